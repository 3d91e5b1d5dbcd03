import { readFile, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import ts from 'typescript';

const LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'fatal'];

/** The names of the fields that the code gives to its log, apart from those of what is spread from other files. */
export async function loggedFields(folders: readonly string[]): Promise<Set<string>> {
  const fields = new Set<string>();
  for (const folder of folders) {
    for (const file of await readdir(folder, { recursive: true })) {
      if (!file.endsWith('.ts')) continue;
      const text = await readFile(join(folder, file), 'utf8');
      collect(ts.createSourceFile(file, text, ts.ScriptTarget.Latest, true), fields);
    }
  }
  return fields;
}

function collect(source: ts.SourceFile, fields: Set<string>): void {
  const literals = new Map<string, ts.ObjectLiteralExpression>();
  const add = (facts: ts.Expression): void => {
    const literal = ts.isIdentifier(facts) ? literals.get(facts.text) : facts;
    if (literal === undefined || !ts.isObjectLiteralExpression(literal)) return;
    for (const property of literal.properties) {
      if (ts.isSpreadAssignment(property)) add(property.expression);
      else if (ts.isIdentifier(property.name)) fields.add(property.name.text);
    }
  };
  const visit = (node: ts.Node): void => {
    if (ts.isVariableDeclaration(node) && ts.isIdentifier(node.name) && node.initializer !== undefined) {
      if (ts.isObjectLiteralExpression(node.initializer)) literals.set(node.name.text, node.initializer);
    } else if (ts.isCallExpression(node) && ts.isPropertyAccessExpression(node.expression)) {
      const { name, expression } = node.expression;
      const [facts] = node.arguments;
      const isLog = LEVELS.includes(name.text) && /log(?:ger\(.*\))?$/i.test(expression.getText(source));
      if (isLog && facts !== undefined) add(facts);
    }
    ts.forEachChild(node, visit);
  };
  visit(source);
}
