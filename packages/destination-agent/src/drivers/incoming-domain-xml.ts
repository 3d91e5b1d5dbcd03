import { DOMParser, XMLSerializer, type Document, type Element } from '@xmldom/xmldom';
import { PageferryError, asPageferryError } from '@pageferry/errors';

/** Of libvirt's `qemu:commandline` (docs/drvqemu.rst of libvirt). */
const NAMESPACE = 'http://libvirt.org/schemas/domain/qemu/1.0';
const OPTION = 'unix:';

/**
 * The definition of a domain whose QEMU waits for a guest, and has a monitor for this agent alone: libvirt's own passes on no
 * command out of band, and these are what recovers a post-copy whose agent has died.
 *
 * @param definition as libvirt says it
 * @param monitor path of the monitor's socket
 * @throws `driver-failed` for what is no definition of a domain
 */
export function incomingDomainXml(definition: string, monitor: string): string {
  const document = parse(definition);
  const domain = document.documentElement;
  if (domain?.nodeName !== 'domain') {
    throw new PageferryError('driver-failed', 'what libvirt says of the domain is no definition of one');
  }
  const commandLine = commandLineOf(domain) ?? domain.appendChild(element(document, 'commandline'));
  // QEMU parts its options by commas; one of its own is doubled.
  const server = `${OPTION}${monitor.replaceAll(',', ',,')},server=on,wait=off`;
  for (const value of ['-incoming', 'defer', '-qmp', server]) {
    const argument = element(document, 'arg');
    argument.setAttribute('value', value);
    commandLine.appendChild(argument);
  }
  return new XMLSerializer().serializeToString(document);
}

function element(document: Document, name: string): Element {
  return document.createElementNS(NAMESPACE, `qemu:${name}`);
}

function commandLineOf(domain: Element): Element | undefined {
  return [...domain.getElementsByTagNameNS(NAMESPACE, 'commandline')].find(
    ({ parentNode }) => parentNode === domain,
  );
}

function parse(text: string): Document {
  const refuse = (_level: string, message: string): void => {
    throw new Error(message);
  };
  try {
    return new DOMParser({ onError: refuse }).parseFromString(text, 'text/xml');
  } catch (thrown) {
    throw new PageferryError('driver-failed', `libvirt's definition: ${asPageferryError(thrown).message}`, {
      cause: thrown,
    });
  }
}
