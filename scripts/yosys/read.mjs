// Runs Yosys compiled to WebAssembly on the files of a folder: `read.mjs FOLDER SCRIPT`, or `read.mjs -V` for the version.
// It sees the folder as its own file system; files that it writes there are new afterwards. Exit code 0 when the script ran to its end, else 1.
import { runYosys } from '@yowasp/yosys';
import fs from 'node:fs';
import path from 'node:path';

function tree(folder) {
  const entries = {};
  for (const entry of fs.readdirSync(folder, { withFileTypes: true })) {
    const name = path.join(folder, entry.name);
    entries[entry.name] = entry.isDirectory() ? tree(name) : fs.readFileSync(name, 'utf8');
  }
  return entries;
}

// The package reports its loading on the console.
console.log = () => {};
const [folder, script] = process.argv.slice(2);
const to = (descriptor) => (bytes) => { if (bytes) fs.writeSync(descriptor, bytes); };
try {
  const [args, files] = folder === '-V' ? [['-V'], {}] : [['-p', script], tree(folder)];
  const after = await runYosys(args, files, { stdout: to(1), stderr: to(2) });
  for (const [name, content] of Object.entries(after ?? {})) {
    if (!(name in files) && (typeof content === 'string' || content instanceof Uint8Array)) fs.writeFileSync(path.join(folder, name), content);
  }
} catch (error) {
  console.error(error.message);
  process.exitCode = 1;
}
