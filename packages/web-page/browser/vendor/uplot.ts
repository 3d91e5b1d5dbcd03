// For the compiler and the tests: under this name the server sends uPlot's own module, which is one file.
export { default } from 'uplot';
