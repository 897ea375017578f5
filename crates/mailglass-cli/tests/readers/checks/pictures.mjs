// Screenshots for review: light, dark, narrow and printed.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

export const title = 'can be captured as screenshots and PDF';

const LOOKS = {
  light: { colorScheme: 'light' },
  dark: { colorScheme: 'dark' },
  narrow: { colorScheme: 'light', viewport: { width: 400, height: 800 } },
};
// The maximum height of a screenshot in Chromium.
const HIGHEST = 16000;

export async function check({ name, out, open }) {
  const problems = [];
  for (const [look, options] of Object.entries(LOOKS)) {
    problems.push(...await open(options, async (page) => {
      await page.addStyleTag({ content: '.top, nav { position: static !important; }' });
      const height = await page.evaluate(() => document.documentElement.scrollHeight);
      const { width } = page.viewportSize();
      const clip = { x: 0, y: 0, width, height: Math.min(height, HIGHEST) };
      const picture = await page.screenshot({ path: join(out, `${name}-${look}.png`), fullPage: true, clip });
      return picture.length < 10000 ? [`${look}: an empty picture`] : [];
    }));
  }
  problems.push(...await open({}, async (page) => {
    const pdf = await page.pdf({ format: 'A4' });
    writeFileSync(join(out, `${name}.pdf`), pdf);
    return pdf.length < 10000 ? ['an empty PDF'] : [];
  }));
  return problems;
}
