// Findings of axe in both themes. axe doesn't check contrast in SVG, so it is measured here.
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';

export const title = 'is accessible in both themes';

const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

export async function check({ open }) {
  const problems = [];
  for (const colorScheme of ['light', 'dark']) {
    const found = await open({ colorScheme, bypassCSP: true }, async (page) => {
      await page.evaluate(AXE);
      const { violations } = await page.evaluate(() => axe.run(document, { resultTypes: ['violations'] }));
      const seen = violations.flatMap(({ id, help, nodes }) =>
        nodes.map(({ target, failureSummary }) => `${id}: ${help}: ${target}: ${failureSummary.replaceAll('\n', ' ')}`));
      return [...seen, ...await page.evaluate(faint)];
    });
    problems.push(...found.map((problem) => `${colorScheme}: ${problem}`));
  }
  return problems;
}

function faint() {
  const paint = document.createElement('canvas').getContext('2d', { willReadFrequently: true });
  const luminance = (color) => {
    paint.fillStyle = color;
    paint.fillRect(0, 0, 1, 1);
    const [r, g, b] = [...paint.getImageData(0, 0, 1, 1).data].map((value) => {
      const part = value / 255;
      return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const problems = new Set();
  for (const text of document.querySelectorAll('.figure svg :is(text, tspan)')) {
    const at = text.getBoundingClientRect();
    const { fill, fontSize } = getComputedStyle(text);
    const shapes = [...(text.closest('g')?.querySelectorAll('.box, .head') ?? [])].filter((element) => {
      const box = element.getBoundingClientRect();
      return box.left <= at.left && at.left < box.right && box.top <= at.top + 2 && at.top < box.bottom;
    });
    const ground = shapes.length > 0 ? getComputedStyle(shapes.at(-1)).fill : getComputedStyle(text.closest('.figure')).backgroundColor;
    const [low, high] = [luminance(fill), luminance(ground)].sort((a, b) => a - b);
    const contrast = (high + 0.05) / (low + 0.05);
    if (contrast < 4.5) problems.add(`SVG: ${fill} on ${ground} (${fontSize}) has ${contrast.toFixed(2)}`);
  }
  return [...problems];
}
