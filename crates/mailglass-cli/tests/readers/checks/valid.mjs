// The file: valid HTML, one file, a policy that lets nothing in.
import { readFileSync } from 'node:fs';
import { HtmlValidate } from 'html-validate';

export const title = 'is valid HTML and needs nothing else';

const validator = new HtmlValidate({
  root: true,
  extends: ['html-validate:recommended'],
  rules: {
    // A diagram says how far it may shrink, which no class can.
    'no-inline-style': 'off',
    // Names are as long as the schema has them.
    'long-title': 'off',
    // maud writes attributes as they come, and SVG's names in their own case.
    'attribute-empty-style': 'off',
    // Ids are the names of the schema's things.
    'valid-id': ['error', { relaxed: true }],
    // The kind of element says nothing here that its label doesn't.
    'prefer-native-element': 'off',
    'no-trailing-whitespace': 'off',
  },
});

export async function check({ file }) {
  const html = readFileSync(file, 'utf8');
  const report = await validator.validateString(html);
  const problems = report.results.flatMap(({ messages }) =>
    messages.map(({ line, column, ruleId, message }) => `${line}:${column} ${ruleId}: ${message}`));
  if (!html.includes("default-src 'none'")) problems.push('no policy');
  for (const [tag] of html.matchAll(/<(?:link|img|iframe|object|embed|audio|video|base)\b[^>]*>/g)) problems.push(`loads: ${tag}`);
  for (const [tag] of html.matchAll(/<script\b[^>]*\bsrc=[^>]*>/g)) problems.push(`loads: ${tag}`);
  if (/\d{4}-\d\d-\d\dT\d\d:\d\d/.test(html)) problems.push('a time of day');
  return problems;
}
