/** The script and style of a report, each one file: `ninefold` writes them into every report (src/ninefold/report/page.py). */
import { defineConfig } from 'vite';

export default defineConfig({
  publicDir: false,
  build: {
    outDir: '../src/ninefold/api/static',
    emptyOutDir: false,
    cssCodeSplit: false,
    rolldownOptions: {
      input: 'src/report.ts',
      output: { format: 'iife', entryFileNames: 'report.js', assetFileNames: 'report.[ext]' },
    },
  },
});
