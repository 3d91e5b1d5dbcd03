import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { BandwidthEstimate } from '../src/index.js';

const MB = 1_000_000;
const FRAME = 256 * 1024;

/** A link that is kept busy: acknowledges frame by frame, the first after one round trip more. */
class SimulatedLink {
  nowMs = 0;

  constructor(
    readonly estimate: BandwidthEstimate,
    public bytesPerSecond: number,
    readonly roundTripMs = 1,
  ) {}

  transfer(bytes: number): void {
    this.estimate.busySince(this.nowMs);
    this.nowMs += this.roundTripMs;
    for (let sent = 0; sent < bytes; sent += FRAME) {
      this.nowMs += (FRAME / this.bytesPerSecond) * 1000;
      this.estimate.acknowledged(FRAME, this.nowMs);
    }
    this.estimate.idle();
  }
}

describe('BandwidthEstimate', () => {
  it('is unknown before anything was acknowledged', () => {
    const estimate = new BandwidthEstimate();
    expect(estimate.bytesPerSecond).toBeUndefined();
    estimate.busySince(0);
    expect(estimate.bytesPerSecond).toBeUndefined();
  });

  it('finds the rate of any constant link', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 12_500 }), (megabytes) => {
        const link = new SimulatedLink(new BandwidthEstimate(), megabytes * MB);
        link.transfer(megabytes * MB);
        expect(link.estimate.bytesPerSecond).toBeCloseTo(megabytes * MB, -3);
      }),
    );
  });

  it('is within 5% one second after the link halved', () => {
    const link = new SimulatedLink(new BandwidthEstimate(), 120 * MB);
    link.transfer(240 * MB);
    link.bytesPerSecond = 60 * MB;
    link.transfer(60 * MB);
    expect(link.estimate.bytesPerSecond).toBeGreaterThan(60 * MB);
    expect(link.estimate.bytesPerSecond).toBeLessThan(63 * MB);
  });

  it('follows a link that recovers', () => {
    const link = new SimulatedLink(new BandwidthEstimate(), 60 * MB);
    link.transfer(120 * MB);
    link.bytesPerSecond = 120 * MB;
    link.transfer(120 * MB);
    expect(link.estimate.bytesPerSecond).toBeGreaterThan(114 * MB);
  });

  it('does not count idle periods', () => {
    const link = new SimulatedLink(new BandwidthEstimate(), 100 * MB);
    for (let burst = 0; burst < 20; burst++) {
      link.transfer(10 * MB);
      link.nowMs += 5000;
    }
    expect(link.estimate.bytesPerSecond).toBeCloseTo(100 * MB, -4);
  });

  it('does not take the round trip of a short burst for a slow link', () => {
    const link = new SimulatedLink(new BandwidthEstimate(), 100 * MB, 40);
    for (let burst = 0; burst < 200; burst++) link.transfer(2 * FRAME);
    expect(link.estimate.bytesPerSecond).toBeCloseTo(100 * MB, -4);
  });

  it('offers a lower bound while every burst is a single acknowledgement', () => {
    const link = new SimulatedLink(new BandwidthEstimate(), 100 * MB, 10);
    link.transfer(FRAME);
    link.transfer(FRAME);
    expect(link.estimate.bytesPerSecond).toBeGreaterThan(10 * MB);
    expect(link.estimate.bytesPerSecond).toBeLessThan(100 * MB);
  });

  it('ignores what is acknowledged while nothing is in flight', () => {
    const estimate = new BandwidthEstimate();
    estimate.acknowledged(FRAME, 0);
    estimate.acknowledged(FRAME, 1000);
    expect(estimate.bytesPerSecond).toBeUndefined();
  });

  it('lets a stall of the link weigh as much as it lasted', () => {
    const link = new SimulatedLink(new BandwidthEstimate(), 100 * MB);
    link.transfer(100 * MB);
    link.estimate.busySince(link.nowMs);
    link.estimate.acknowledged(FRAME, link.nowMs);
    link.estimate.acknowledged(FRAME, link.nowMs + 10_000);
    expect(link.estimate.bytesPerSecond).toBeLessThan(MB);
  });
});
