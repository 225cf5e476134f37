"""What Git knows of the repository; a program here, asked as seldom as can be."""
