/* SPDX-License-Identifier: MIT */
// Pictures of the page on the mock server: node web/test/screenshots.mjs DIST OUTPUT [NAME…]
// Prints the console's errors and some figures. CHROMIUM names the browser (/usr/bin/chromium).

import { mkdirSync } from 'node:fs';
import path from 'node:path';
import process from 'node:process';
import { chromium } from 'playwright-core';
import { startMock } from './mock_server.mjs';

const DESKTOP = { width: 1280, height: 800 };
const PHONE = { width: 390, height: 844 };
const SCENES = [
  { name: 'desktop-250', size: DESKTOP, ships: 250 },
  { name: 'desktop-250-light', size: DESKTOP, ships: 250, light: true },
  { name: 'desktop-card', size: DESKTOP, ships: 250, act: (page) => page.locator('.row').nth(6).click() },
  { name: 'desktop-hull', size: DESKTOP, ships: 250, hash: '#56,11,16.4', act: (page) => page.locator('.row').nth(6).click() },
  { name: 'desktop-harbour', size: DESKTOP, ships: 250, light: true, hash: '#55.9,12.3,9.6' },
  { name: 'desktop-5000', size: DESKTOP, ships: 5000, area: 'europe' },
  { name: 'desktop-5000-world', size: DESKTOP, ships: 5000, area: 'europe', light: true, hash: '#30,0,1' },
  { name: 'dateline', size: DESKTOP, ships: 1, hash: '#66.5,179.5,4.6' },
  { name: 'dateline-fine', size: DESKTOP, ships: 1, light: true, hash: '#66.5,179.5,6.4' },
  { name: 'about', size: DESKTOP, ships: 250, act: (page) => page.locator('#about-open').click() },
  { name: 'phone-250', size: PHONE, ships: 250 },
  { name: 'phone-list', size: PHONE, ships: 250, light: true, act: (page) => page.locator('#drawer-toggle').click() },
  { name: 'phone-card', size: PHONE, ships: 250, act: async (page) => {
    await page.locator('#drawer-toggle').click();
    await page.locator('.row').nth(3).click();
  } },
  { name: 'phone-5000', size: PHONE, ships: 5000, area: 'europe' },
];

const [dist, output, ...only] = process.argv.slice(2);
mkdirSync(output, { recursive: true });
const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
  args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
    '--disable-component-update', '--disable-sync'],
});
let failed = false;
for (const scene of SCENES) {
  if (only.length && !only.includes(scene.name)) continue;
  const mock = await startMock({ dist: path.resolve(dist), ships: scene.ships, area: scene.area ?? 'kattegat' });
  const phone = scene.size === PHONE;
  const page = await browser.newPage({
    viewport: scene.size, deviceScaleFactor: phone ? 2 : 1, hasTouch: phone, isMobile: phone,
    colorScheme: scene.light ? 'light' : 'dark',
  });
  page.on('console', (message) => {
    if (message.type() !== 'error' && message.type() !== 'warning') return;
    failed = true;
    console.log(`${scene.name}: ${message.type()}: ${message.text()}`);
  });
  page.on('pageerror', (error) => {
    failed = true;
    console.log(`${scene.name}: ${error.stack}`);
  });
  page.on('request', (request) => {
    if (!request.url().startsWith(mock.url) && !request.url().startsWith(mock.url.replace('http', 'ws'))) {
      failed = true;
      console.log(`${scene.name}: outside request ${request.url()}`);
    }
  });
  await page.goto(mock.url + (scene.hash ?? ''));
  await page.waitForFunction(() => window.halyard?.state === 'live' && window.halyard.landReady);
  await page.waitForTimeout(1500);
  if (scene.act) {
    await scene.act(page);
    await page.waitForTimeout(1200);
  }
  await page.screenshot({ path: path.join(output, `${scene.name}.png`) });
  const figures = await page.evaluate(() => ({
    ships: window.halyard.ships, drawn: window.halyard.drawn, seq: window.halyard.seq, frames: window.halyard.frames,
    costs: window.halyard.costs.map((cost) => Number(cost.toFixed(1))), view: window.halyard.view,
  }));
  console.log(scene.name, JSON.stringify(figures));
  await page.close();
  mock.close();
}
await browser.close();
process.exit(failed ? 1 : 0);
