/* SPDX-License-Identifier: MIT */
// The page in Chromium against the real program with the real simulator. Prints TAP; pictures go to the
// folder HALYARD_ARTEFACTS, or artefacts/ beside the program.
//   node page.test.mjs PROGRAM

import { spawn } from 'node:child_process';
import { existsSync, mkdirSync } from 'node:fs';
import path from 'node:path';
import process from 'node:process';
import { createInterface } from 'node:readline';

const SHIPS = 250;
const PATIENCE_MS = 60_000;
const chromiumPath = process.env.CHROMIUM ?? '/usr/bin/chromium';

if (!existsSync(chromiumPath)) {
  console.log(`1..0 # SKIP ${chromiumPath} is not installed`);
  process.exit(0);
}
const { chromium } = await import('playwright-core');

const program = process.argv[2];
const lastSignal = program.endsWith('-by-wine') ? 'SIGINT' : 'SIGTERM'; // Wine makes SIGINT Ctrl-C, and knows no other
const pictures = process.env.HALYARD_ARTEFACTS ?? path.join(path.dirname(path.resolve(program)), 'artefacts');
mkdirSync(pictures, { recursive: true });

let number = 0;
let failed = 0;
async function test(name, body) {
  number += 1;
  try {
    await body();
    console.log(`ok ${number} - ${name}`);
  } catch (error) {
    failed += 1;
    console.log(`not ok ${number} - ${name}`);
    for (const line of String(error.stack ?? error).split('\n')) console.log(`# ${line}`);
  }
}

function expect(isTrue, ...what) {
  if (!isTrue) throw new Error(what.map((part) => (typeof part === 'string' ? part : JSON.stringify(part))).join(' '));
}

/** Starts the program and waits until lines of its log match; gives the process and the groups. */
function start(args, ...patterns) {
  const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'] });
  child.output = '';
  child.stdout.on('data', (data) => { child.output += data; });
  const ended = new Promise((resolve) => { child.on('exit', (code, signal) => resolve({ code, signal })); });
  const found = patterns.map(() => null);
  return new Promise((resolve, reject) => {
    const log = [];
    createInterface({ input: child.stderr }).on('line', (line) => {
      log.push(line);
      patterns.forEach((pattern, i) => { found[i] ??= pattern.exec(line); });
      if (found.every(Boolean)) resolve({ child, ended, groups: found.map((match) => match[1]) });
    });
    ended.then(({ code }) => reject(new Error(`${args.join(' ')} ended with ${code}: ${log.join('\n')}`)));
    if (patterns.length === 0) resolve({ child, ended, groups: [] });
  });
}

const serve = await start(
  ['serve', '--http', '127.0.0.1:0', '--udp', '127.0.0.1:0', '--interval', '250'],
  /the page is at (http:\/\/127\.0\.0\.1:\d+\/)/,
  /listening on udp (127\.0\.0\.1:\d+)/,
);
const [url, udp] = serve.groups;
const simulator = await start(['simulate', '--ships', String(SHIPS), '--to', udp, '--rate', '5']);
const browser = await chromium.launch({
  executablePath: chromiumPath,
  args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
    '--disable-component-update', '--disable-sync'],
});

const complaints = [];
let restarting = false; // then the browser rightly complains that nobody answers
async function open(options) {
  const page = await browser.newPage(options);
  page.on('console', (message) => {
    if (message.type() === 'error' && !restarting) complaints.push(message.text());
  });
  page.on('pageerror', (error) => complaints.push(error.stack));
  page.on('request', (request) => {
    if (!request.url().startsWith(url) && !request.url().startsWith('data:')) complaints.push(`asks for ${request.url()}`);
  });
  await page.goto(url);
  return page;
}
const until = (page, question, argument) => page.waitForFunction(question, argument, { timeout: PATIENCE_MS });

/** The map has stopped flying: the same view in two frames that are 200 ms apart. */
const settled = (page) => page.waitForFunction(() => {
  const view = JSON.stringify(window.halyard.view);
  const isSame = view === window.lastView;
  window.lastView = view;
  return isSame;
}, undefined, { timeout: PATIENCE_MS, polling: 200 });

const page = await open({ viewport: { width: 1280, height: 800 } });

await test('the page connects', () => until(page, () => window.halyard.state === 'live'));
await test('ships appear', () => until(page, (ships) => window.halyard.ships >= ships * 0.9, SHIPS));
await test('ships are drawn and listed', async () => {
  await until(page, () => window.halyard.drawn > 20);
  await until(page, () => document.querySelectorAll('[data-mmsi]').length > 5);
  await page.locator('#fit').click();
  await until(page, (ships) => window.halyard.landReady && window.halyard.drawn > ships * 0.9, SHIPS);
  await settled(page);
  await page.screenshot({ path: path.join(pictures, 'page.png') });
});
await test('ships move', async () => {
  const before = await page.evaluate(() => window.halyard.mmsis.map((mmsi) => {
    const { lat, lon, sog } = window.halyard.ship(mmsi);
    return { mmsi, lat, lon, sog };
  }));
  const sailing = before.filter((ship) => ship.lat !== null && ship.sog > 3);
  expect(sailing.length > 0, 'no ship sails');
  await until(page, (ships) => ships.filter(({ mmsi, lat, lon }) => {
    const ship = window.halyard.ship(mmsi);
    return ship && (ship.lat !== lat || ship.lon !== lon);
  }).length >= ships.length / 2, sailing);
});
await test('a ship has a card', async () => {
  await page.locator('[data-mmsi]').first().click();
  await until(page, () => window.halyard.selected !== null && !document.querySelector('#card').hidden);
  await settled(page);
  await page.screenshot({ path: path.join(pictures, 'page-card.png') });
});
await test('the list is searchable', async () => {
  const mmsi = await page.locator('[data-mmsi]').nth(2).getAttribute('data-mmsi');
  await page.locator('#search').fill(mmsi);
  await until(page, (wanted) => {
    const rows = [...document.querySelectorAll('[data-mmsi]')];
    return rows.length === 1 && rows[0].dataset.mmsi === wanted;
  }, mmsi);
  await page.locator('#search').fill('');
});
await test('works at phone width', async () => {
  const phone = await open({ viewport: { width: 390, height: 844 }, deviceScaleFactor: 2, isMobile: true, hasTouch: true });
  await until(phone, () => window.halyard.state === 'live' && window.halyard.drawn > 20);
  const overflow = await phone.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
  expect(overflow <= 0, 'the page is', overflow, 'px too wide');
  await phone.screenshot({ path: path.join(pictures, 'page-phone.png') });
  await phone.close();
});
await test('the program ends and starts again, the page comes back by itself', async () => {
  restarting = true;
  const started = Date.now();
  serve.child.kill('SIGINT');
  const { code } = await serve.ended;
  console.log(`# ended in ${(Date.now() - started) / 1000} s: ${serve.child.output.trim()}`);
  expect(code === 0, 'exit code', code);
  await until(page, () => window.halyard.state !== 'live');
  const again = await start(['serve', '--http', new URL(url).host, '--udp', udp], /the page is at (\S+)/);
  await until(page, () => window.halyard.state === 'live');
  await until(page, (ships) => window.halyard.ships >= ships / 2, SHIPS);
  again.child.kill(lastSignal);
  expect((await again.ended).code === 0);
});
await test('no complaint of the browser, no request beyond the program', () => {
  expect(complaints.length === 0, complaints);
});
await browser.close();
simulator.child.kill('SIGINT');
await test('the simulator ends well', async () => {
  expect((await simulator.ended).code === 0);
});
console.log(`1..${number}`);
process.exit(failed === 0 ? 0 : 1);
