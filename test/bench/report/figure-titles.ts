export const figureTitles = {
  pages: 'pages',
  bytes: 'bytes',
  downtime: 'downtime',
  totalTime: 'total time',
  guestGap: 'longest gap',
} as const;
