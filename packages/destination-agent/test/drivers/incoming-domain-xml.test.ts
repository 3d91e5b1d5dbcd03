import { DOMParser } from '@xmldom/xmldom';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { incomingDomainXml } from '../../src/drivers/incoming-domain-xml.js';

const NAMESPACE = 'http://libvirt.org/schemas/domain/qemu/1.0';
const MONITOR = '/run/pageferry/destination/web1.sock';
const DEFINITION = "<domain type='kvm'><name>web1</name><metadata>a &amp; b</metadata></domain>";

/** The arguments that libvirt would give to QEMU. */
function argumentsIn(xml: string): (string | null)[] {
  const document = new DOMParser().parseFromString(xml, 'text/xml');
  return [...document.getElementsByTagNameNS(NAMESPACE, 'arg')].map((argument) =>
    argument.getAttribute('value'),
  );
}

const added = ['-incoming', 'defer', '-qmp', `unix:${MONITOR},server=on,wait=off`];

test('the domain waits for a guest, and has a monitor of its own', () => {
  expect(argumentsIn(incomingDomainXml(DEFINITION, MONITOR))).toEqual(added);
});

test('all else of the definition stays', () => {
  const xml = incomingDomainXml(DEFINITION, MONITOR);
  expect(xml).toContain('<name>web1</name><metadata>a &amp; b</metadata>');
});

test('arguments that the domain has already come first', () => {
  const definition =
    `<domain xmlns:qemu='${NAMESPACE}'><qemu:commandline><qemu:arg value='-no-hpet'/>` +
    '</qemu:commandline></domain>';
  expect(argumentsIn(incomingDomainXml(definition, MONITOR))).toEqual(['-no-hpet', ...added]);
});

test('a comma in the path is none between options', () => {
  expect(argumentsIn(incomingDomainXml(DEFINITION, '/run/a,b.sock'))).toContain(
    'unix:/run/a,,b.sock,server=on,wait=off',
  );
});

test('anything but the definition of a domain is refused', () => {
  fc.assert(
    fc.property(fc.oneof(fc.string(), fc.constant('<network/>'), fc.constant('<domain>')), (text) => {
      expect(() => incomingDomainXml(text, MONITOR)).toThrow(
        expect.objectContaining({ code: 'driver-failed' }),
      );
    }),
  );
});
