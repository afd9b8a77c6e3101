/** Charts as SVG, drawn by Apache ECharts without a browser; the same figures give the same text. */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as echarts from 'echarts';

// By Okabe and Ito: told apart by people who do not see all colours.
const COLOURS = ['#0072B2', '#E69F00', '#009E73', '#CC79A7', '#56B4E9', '#D55E00'];
const TEXT = { fontFamily: 'sans-serif', color: '#333' };
const LINE = { lineStyle: { color: '#ddd' } };
const WIDTH = 760;
const CAP = 4;

/** `charts`: `{ file, svg }`. Gives where they are. */
export async function writeCharts(folder, charts) {
  await mkdir(folder, { recursive: true });
  await Promise.all(charts.map(({ file, svg }) => writeFile(join(folder, file), svg)));
  return charts.map(({ file }) => join(folder, file));
}

/**
 * Bars in groups, each with the middle half of its rounds as a whisker. `series`: `{ name, values: [{ median, low, high } | undefined] }`,
 * a value for each category; `reference`: a value that a line is drawn at.
 */
export function bars({ title, unit, categories, series, reference, height = 340 }) {
  const marked = { silent: true, symbol: 'none', lineStyle: { color: '#555', type: 'dashed' }, label: { show: false } };
  return draw({
    height,
    title,
    xAxis: { type: 'category', data: categories, axisLabel: TEXT, axisTick: { show: false } },
    yAxis: valueAxis(unit),
    series: series.flatMap(({ name, values }, index) => [
      {
        name,
        type: 'bar',
        data: values.map((value) => value?.median ?? '-'),
        barGap: '12%',
        itemStyle: { color: COLOURS[index] },
        ...(index === 0 && reference !== undefined ? { markLine: { ...marked, data: [{ yAxis: reference }] } } : {}),
      },
      ...(values.some((value) => value !== undefined && value.low < value.high)
        ? [whiskers(values, { index, of: series.length })]
        : []),
    ]),
  });
}

/** Lines over a number, both axes logarithmic where `log` says so. `series`: `{ name, points: [[x, y]] }`. */
export function lines({ title, xName, unit, series, log = false, height = 340 }) {
  const type = log ? 'log' : 'value';
  return draw({
    height,
    title,
    xAxis: { ...valueAxis(xName), type, nameLocation: 'middle', nameGap: 28, splitLine: { show: false } },
    yAxis: { ...valueAxis(unit), type },
    series: series.map(({ name, points }) => ({ name, type: 'line', data: points, symbolSize: 7 })),
  });
}

function draw({ height, title, ...option }) {
  const chart = echarts.init(null, null, { renderer: 'svg', ssr: true, width: WIDTH, height });
  chart.setOption({
    ...option,
    animation: false,
    backgroundColor: '#fff',
    color: COLOURS,
    textStyle: TEXT,
    title: { text: title, left: 12, top: 8, textStyle: { ...TEXT, fontSize: 14 } },
    legend: {
      top: 34,
      left: 12,
      itemGap: 28,
      textStyle: TEXT,
      data: option.series.map(({ name }) => name).filter(Boolean),
    },
    grid: { left: 16, right: 28, top: 84, bottom: option.xAxis.nameGap ?? 12, containLabel: true },
  });
  const svg = chart.renderToSVGString();
  chart.dispose();
  return `${svg}\n`;
}

function valueAxis(name) {
  return { type: 'value', name, nameTextStyle: { ...TEXT, align: 'left' }, axisLabel: TEXT, splitLine: LINE };
}

/** From the first quartile to the third, in the middle of the bar that stands at this place of its group. */
function whiskers(values, { index, of }) {
  return {
    type: 'custom',
    silent: true,
    z: 5,
    data: values.flatMap((value, category) => (value === undefined ? [] : [[category, value.low, value.high]])),
    renderItem(_params, api) {
      const layout = api.barLayout({ count: of, barGap: '12%' })[index];
      const [low, high] = [1, 2].map((at) => api.coord([api.value(0), api.value(at)]));
      const x = low[0] + layout.offsetCenter;
      const stroke = (from, to) => ({
        type: 'line',
        shape: { x1: from[0], y1: from[1], x2: to[0], y2: to[1] },
        style: { stroke: '#222', lineWidth: 1.2 },
      });
      const cap = (y) => stroke([x - CAP, y], [x + CAP, y]);
      return { type: 'group', children: [stroke([x, low[1]], [x, high[1]]), cap(low[1]), cap(high[1])] };
    },
  };
}
