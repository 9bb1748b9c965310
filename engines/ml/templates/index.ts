// The published types of models that the routes of predictions serve, one module each.

import { assessPortfolio } from './portfolio-risk/predict.ts';
import { portfolioReply, portfolioRequest } from './portfolio-risk/schemas.ts';
import { predictSentiment } from './sentiment/predict.ts';
import { sentimentReply, sentimentRequest } from './sentiment/schemas.ts';
import { predictSymbols } from './symbols/predict.ts';
import { SYMBOL_TYPES, symbolsReply, symbolsRequest } from './symbols/schemas.ts';
import { defineTemplate, type ServedTemplate } from './template.ts';

/** All served templates; a body's `model_type` names one. */
export const SERVED_TEMPLATES: readonly ServedTemplate[] = [
  defineTemplate({
    modelTypes: SYMBOL_TYPES,
    request: symbolsRequest,
    reply: symbolsReply,
    predict: predictSymbols,
  }),
  defineTemplate({
    modelTypes: ['sentiment'],
    request: sentimentRequest,
    reply: sentimentReply,
    predict: predictSentiment,
  }),
  defineTemplate({
    modelTypes: ['portfolio_risk'],
    request: portfolioRequest,
    reply: portfolioReply,
    predict: assessPortfolio,
  }),
];
