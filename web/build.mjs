/* SPDX-License-Identifier: MIT */
// Builds the page: node web/build.mjs OUTPUT [--embed FOLDER] [--depfile FILE]
//
// OUTPUT gets index.html, favicon.svg, and app, style and land files with a hash of their content in the name
// (so they may be cached for ever), each with a .gz beside it. With --embed, FOLDER gets web_assets.c and
// web_assets_data.S, which put all of it into a program (web_assets.h). The same input gives the same bytes.

import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { gzipSync } from 'node:zlib';

const here = path.dirname(fileURLToPath(import.meta.url));
if (!existsSync(path.join(here, 'node_modules', 'esbuild'))) {
  console.error('web: the npm packages are missing: run "make setup" (or "npm ci --prefix web") first');
  process.exit(1);
}
const esbuild = await import('esbuild');
const { buildLand } = await import('./tools/land.mjs');
const { writeEmbed } = await import('./tools/embed.mjs');

const FOREVER = 'public, max-age=31536000, immutable';
const ASK_FIRST = 'no-cache';
const LANDS = [
  { name: 'land-50m', cellDegrees: 360, pointsMin: 50000 },
  { name: 'land-10m', cellDegrees: 5, pointsMin: 400000 },
];

const { values: options, positionals } = parseArgs({
  allowPositionals: true,
  options: { embed: { type: 'string' }, depfile: { type: 'string' } },
});
if (positionals.length !== 1) {
  console.error('usage: node web/build.mjs OUTPUT [--embed FOLDER] [--depfile FILE]');
  process.exit(2);
}
const output = path.resolve(positionals[0]);
const inputs = new Set();

function input(...parts) {
  const file = path.join(here, ...parts);
  inputs.add(file);
  return readFileSync(file);
}

async function bundle(entry) {
  const result = await esbuild.build({
    entryPoints: [path.join(here, 'src', entry)], bundle: true, minify: true, format: 'esm',
    target: ['es2022'], write: false, metafile: true, legalComments: 'none', logLevel: 'warning',
    absWorkingDir: here,
  });
  for (const file of Object.keys(result.metafile.inputs)) inputs.add(path.join(here, file));
  return Buffer.from(result.outputFiles[0].contents);
}

function hashed(name, data) {
  const hash = createHash('sha256').update(data).digest('hex').slice(0, 10);
  const { name: stem, ext } = path.parse(name);
  return `${stem}-${hash}${ext}`;
}

function land({ name, cellDegrees, pointsMin }) {
  const topology = JSON.parse(input('node_modules', 'world-atlas', `${name}.json`));
  const built = buildLand(topology, cellDegrees);
  if (built.points < pointsMin) {
    throw new Error(`${name}: only ${built.points} points came through, ${pointsMin} expected`);
  }
  return built.data;
}

const assets = [];
const references = new Map();

function add(name, data, contentType, forever) {
  const file = forever ? hashed(name, data) : name;
  if (forever) references.set(name, file);
  // Node writes no time into a gzip header, so this is the same every time.
  assets.push({
    file, path: file === 'index.html' ? '/' : `/${file}`, contentType, data,
    gzip: gzipSync(data, { level: 9 }), cacheControl: forever ? FOREVER : ASK_FIRST,
  });
}

add('app.js', await bundle('main.js'), 'text/javascript; charset=utf-8', true);
add('style.css', await bundle('style.css'), 'text/css; charset=utf-8', true);
for (const item of LANDS) add(`${item.name}.bin`, land(item), 'application/octet-stream', true);
add('favicon.svg', input('src', 'favicon.svg'), 'image/svg+xml', false);
const html = input('src', 'index.html').toString().replace(/\{\{([^}]+)\}\}/g, (_, name) => {
  if (!references.has(name)) throw new Error(`index.html: nothing is called ${name}`);
  return references.get(name);
});
add('index.html', Buffer.from(html), 'text/html; charset=utf-8', false);
assets.sort((a, b) => (a.path < b.path ? -1 : 1));

mkdirSync(output, { recursive: true });
const ours = /^(app|style|land-\d+m)-[0-9a-f]{10}\.(js|css|bin)(\.gz)?$/;
for (const old of readdirSync(output)) if (ours.test(old)) rmSync(path.join(output, old));
for (const asset of assets) {
  writeFileSync(path.join(output, asset.file), asset.data);
  writeFileSync(path.join(output, `${asset.file}.gz`), asset.gzip);
}
if (options.embed) {
  for (const file of ['build.mjs', 'tools/land.mjs', 'tools/embed.mjs']) inputs.add(path.join(here, file));
  writeEmbed(options.embed, output, assets);
}
if (options.depfile) {
  const escape = (file) => file.replaceAll(' ', '\\ ');
  const targets = ['web_assets.c', 'web_assets_data.S'].map((name) => path.join(options.embed ?? output, name));
  writeFileSync(options.depfile, `${targets.map(escape).join(' ')}: ${[...inputs].sort().map(escape).join(' ')}\n`);
}

let [raw, packed] = [0, 0];
for (const asset of assets) {
  raw += asset.data.length;
  packed += asset.gzip.length;
  console.log(`${asset.file.padEnd(28)} ${String(asset.data.length).padStart(8)} ${String(asset.gzip.length).padStart(8)} gz`);
}
console.log(`${'total'.padEnd(28)} ${String(raw).padStart(8)} ${String(packed).padStart(8)} gz`);
