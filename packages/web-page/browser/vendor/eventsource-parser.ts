// For the compiler and the tests: under this name the server sends the parser's own module, which is one file.
export { createParser, type EventSourceMessage } from 'eventsource-parser';
