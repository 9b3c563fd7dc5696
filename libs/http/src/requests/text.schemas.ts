import { complaintAboutText } from '@coordination/kernel';
import { z } from 'zod';

/** A text of a request that operators will read. @param max characters */
export const readableText = (max: number) =>
  z
    .string()
    .max(max)
    .superRefine((text, context) => {
      const message = complaintAboutText(text);
      if (message !== undefined) context.addIssue({ code: 'custom', message });
    });
