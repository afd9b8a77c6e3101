/**
 * The artifacts that a pom.xml lists, as far as the ones need it that `aws-kcl` ships: plain dependencies with versions,
 * which may be properties of the same file. No parents, no management, no ranges: what is not understood is refused.
 */
import { MillraceError } from '../errors.js';
import { isArtifact } from './jar-lock.js';

/** @returns coordinates `group:artifact:version` in the order of the file, for what is needed at run time. */
export function readPom(text: string, source: string): readonly string[] {
  const project = text.replaceAll(/<!--[\s\S]*?-->/g, '');
  const properties = new Map(children(first(project, 'properties') ?? ''));
  const listed = first(project.replace(/<dependencyManagement>[\s\S]*?<\/dependencyManagement>/, ''), 'dependencies');
  const dependencies = children(listed ?? '').filter(([name]) => name === 'dependency');
  const artifacts = dependencies.flatMap(([, body]) => {
    const fields = new Map(children(body).map(([name, value]) => [name, expand(value.trim(), properties)]));
    if (fields.get('optional') === 'true' || !AT_RUN_TIME.has(fields.get('scope') ?? 'compile')) return [];
    const artifact = ['groupId', 'artifactId', 'version'].map((name) => fields.get(name) ?? '').join(':');
    if (!isArtifact(artifact) || (fields.get('type') ?? 'jar') !== 'jar' || fields.has('classifier')) {
      throw invalid(source, `it lists ${artifact}, which is no jar with a version of its own`);
    }
    return [artifact];
  });
  if (artifacts.length === 0) throw invalid(source, 'it lists no dependencies');
  return [...new Set(artifacts)];
}

const AT_RUN_TIME = new Set(['compile', 'runtime']);

/** The direct children of an element's text; elements of one name do not stand inside each other in a pom's lists. */
function children(body: string): readonly (readonly [name: string, body: string])[] {
  return [...body.matchAll(/<([\w.-]+)(?:\s[^>]*)?>([\s\S]*?)<\/\1>/g)].map(([, name = '', inner = '']) => [
    name,
    inner,
  ]);
}

function first(text: string, name: string): string | undefined {
  return new RegExp(`<${name}>([\\s\\S]*?)</${name}>`).exec(text)?.[1];
}

/** A property that is not there stays as it is, and is refused as part of an artifact. */
function expand(value: string, properties: ReadonlyMap<string, string>): string {
  return value.replaceAll(/\$\{([^}]+)\}/g, (reference, name: string) => properties.get(name)?.trim() ?? reference);
}

function invalid(source: string, what: string): MillraceError {
  return new MillraceError(
    'JAR_LOCK_INVALID',
    `${source} cannot be used as a list of jars: ${what}. Use the built-in list, without --from-aws-kcl.`,
  );
}
