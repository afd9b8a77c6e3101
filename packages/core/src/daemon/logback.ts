/**
 * The daemon's log configuration. One event is one line, whatever is in it, so that nobody has to guess where a stack
 * trace ends. Logback's own JsonEncoder (1.3.14) is not used: it prints messages and their arguments apart, arguments
 * that the message leaves out included, and turns every backslash into a slash.
 */
import { limitedLevels, ROOT, type DaemonLevels } from './daemon-levels.js';

/** Between the fields of a line, and before the first one: the symbol for a unit separator. */
export const FIELD = '␟';
/** What a line break inside a field becomes: the symbol for a record separator. */
export const BREAK = '␞';

/** Stack traces are cut here; the reader cuts long ones once more. */
const FRAMES = 60;

const oneLine = (field: string): string => `%replace(${field}){'\\R','${BREAK}'}`;
const PATTERN = `${['', '%p', '%c', oneLine('%t'), oneLine('%m'), oneLine(`%ex{${FRAMES}}`)].join(FIELD)}%nopex%n`;

/** The text of a logback.xml that prints what `readDaemonLog` reads, at the given levels. */
export function logbackXml(levels: DaemonLevels): string {
  const limited = limitedLevels(levels);
  const loggers = [...limited]
    .filter(([name]) => name !== ROOT)
    .map(([name, level]) => `  <logger name="${name}" level="${level}"/>\n`);
  return `<?xml version="1.0" encoding="UTF-8"?>
<configuration>
  <appender name="OUT" class="ch.qos.logback.core.ConsoleAppender">
    <encoder><charset>UTF-8</charset><pattern>${PATTERN}</pattern></encoder>
  </appender>
${loggers.join('')}  <root level="${limited.get(ROOT) ?? 'WARN'}"><appender-ref ref="OUT"/></root>
</configuration>
`;
}
