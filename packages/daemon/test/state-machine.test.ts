import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { StateMachine } from '../src/index.js';

const table = {
  setup: ['active', 'failed'],
  active: ['device', 'failed'],
  device: ['completed', 'active', 'failed'],
  completed: [],
  failed: [],
} as const;

describe('StateMachine', () => {
  it('follows its table and remembers when', () => {
    const startedMs = Date.now();
    const machine = new StateMachine(table, 'setup');
    machine.transition('active');
    machine.transition('device');
    expect(machine.state).toBe('device');
    expect(machine.history.map(({ state }) => state)).toEqual(['setup', 'active', 'device']);
    const endedMs = Date.now();
    for (const { at } of machine.history) {
      expect(at).toBeGreaterThanOrEqual(startedMs);
      expect(at).toBeLessThanOrEqual(endedMs);
    }
  });

  it('refuses an illegal step with both names and stays where it is', () => {
    const machine = new StateMachine(table, 'setup');
    expect(() => {
      machine.transition('completed');
    }).toThrow(
      expect.objectContaining({
        code: 'state-machine',
        message: 'completed cannot follow setup; what can is active, failed',
      }),
    );
    expect(machine.state).toBe('setup');
    expect(machine.history).toHaveLength(1);
  });

  it('allows exactly the steps of its table', () => {
    const states = ['setup', 'active', 'device', 'completed', 'failed'] as const;
    fc.assert(
      fc.property(fc.array(fc.constantFrom(...states)), (steps) => {
        const machine = new StateMachine(table, 'setup');
        for (const next of steps) {
          const legal: readonly string[] = table[machine.state];
          expect(machine.can(next)).toBe(legal.includes(next));
          if (machine.can(next)) machine.transition(next);
        }
        expect(machine.isFinal).toBe(machine.state === 'completed' || machine.state === 'failed');
      }),
    );
  });

  it('tells its listeners after each step, until they no longer listen', () => {
    const machine = new StateMachine(table, 'setup');
    const heard: string[] = [];
    const stop = machine.onTransition(({ state }, left) =>
      heard.push(`${left} to ${state}, now ${machine.state}`),
    );
    machine.transition('active');
    stop();
    machine.transition('failed');
    expect(heard).toEqual(['setup to active, now active']);
  });

  it('forgets the oldest of very many states', () => {
    const machine = new StateMachine({ paused: ['recover'], recover: ['paused'] }, 'paused');
    for (let step = 0; step < 3000; step++) machine.transition(step % 2 === 0 ? 'recover' : 'paused');
    expect(machine.history).toHaveLength(1000);
    expect(machine.history.at(-1)?.state).toBe(machine.state);
  });
});
