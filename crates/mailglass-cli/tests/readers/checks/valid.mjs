// Valid HTML in one file, with a policy that blocks all requests.
import { readFileSync } from 'node:fs';
import { HtmlValidate } from 'html-validate';

export const title = 'is valid HTML that loads nothing';

const validator = new HtmlValidate({
  root: true,
  extends: ['html-validate:recommended'],
  rules: {
    // The minimum width of a diagram can't be a class.
    'no-inline-style': 'off',
    // The schema determines the length of names.
    'long-title': 'off',
    // maud keeps the order of attributes and the case of SVG names.
    'attribute-empty-style': 'off',
    // Ids are derived from names of the schema.
    'valid-id': ['error', { relaxed: true }],
    // The label is sufficient here; the element adds nothing.
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
