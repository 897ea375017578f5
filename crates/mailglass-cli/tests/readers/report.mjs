// Prints the problems of a check. Returns 1 if there are any, for the exit code.
const MOST = 12;

export function report(what, title, problems) {
  console.log(`${problems.length === 0 ? 'ok  ' : 'FAIL'} ${what}: ${title}`);
  for (const problem of problems.slice(0, MOST)) console.log(`       ${problem}`);
  if (problems.length > MOST) console.log(`       and ${problems.length - MOST} more`);
  return problems.length > 0 ? 1 : 0;
}
