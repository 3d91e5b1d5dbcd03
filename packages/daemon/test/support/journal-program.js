// Appends records to a journal until one fails, and prints how many were acknowledged and the error's code.
import process from 'node:process';
import { Journal, createLogger } from '../../dist/index.js';

const [directory] = process.argv.slice(2);
let acknowledged = 0;
try {
  const journal = await Journal.open(directory, 'limited', {
    log: createLogger({ name: 'test', level: 'silent' }),
  });
  for (;;) {
    await journal.append({ number: acknowledged, text: 'x'.repeat(100) });
    acknowledged++;
  }
} catch (error) {
  process.stdout.write(JSON.stringify({ acknowledged, code: error.code, message: error.message }));
}
