import { expect, test } from 'vitest';
import { imageArgument } from '../../src/block/image-argument.js';
import { expectThrown } from '../support/expect-error.js';

/** The options of a `json:` name. */
function optionsOf(filename: string, format: string): unknown {
  const argument = imageArgument({ filename, format });
  expect(argument.format).toBeUndefined();
  expect(argument.filename.startsWith('json:')).toBe(true);
  return JSON.parse(argument.filename.slice('json:'.length));
}

const shared = { 'read-only': true, 'force-share': true };

test.each(['/images/a.qcow2', '--snapshot', '/images/a:b "c" $(d)', 'disk.raw', './nbd:x', '/nbd://x'])(
  'takes %s for the path of a file',
  (path) => {
    expect(optionsOf(path, 'qcow2')).toEqual({ driver: 'qcow2', file: { filename: path }, ...shared });
  },
);

test.each(['file', 'host_device'])('reads a %s as it is', (format) => {
  expect(optionsOf('/dev/sda', format)).toMatchObject({ driver: 'raw', file: { filename: '/dev/sda' } });
});

test("opens QEMU's own names as QEMU has, but shared", () => {
  const options = { driver: 'raw', offset: 512, file: { driver: 'file', filename: '/images/a' } };
  expect(optionsOf(`json:${JSON.stringify(options)}`, 'raw')).toEqual({ ...options, ...shared });
});

test('gives a name without a driver the one that QEMU has', () => {
  expect(optionsOf('json:{"file.filename": "a"}', 'qcow2')).toMatchObject({ driver: 'qcow2' });
});

test.each(['nbd://host/export', 'nbd+unix:///x?socket=/y', 'rbd:pool/image', 'https://host/image'])(
  'passes %s on as it is',
  (filename) => {
    expect(imageArgument({ filename, format: 'qcow2' })).toEqual({ filename, format: 'qcow2' });
  },
);

test.each(['json:{"driver": "raw", "file": {"dri...', 'json:', 'json:[]', 'json:null', 'json:7'])(
  'refuses %s',
  (filename) => {
    expectThrown(() => imageArgument({ filename, format: 'raw' }), 'storage-unreadable', 'JSON');
  },
);
