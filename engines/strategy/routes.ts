// Routes of the Strategy engine: schema, one call, nothing else.
import { Elysia } from 'elysia';
import { traceIdOf } from '../../src/http/trace-context.ts';
import {
  deploymentList,
  deploymentParam,
  deploymentReply,
  deploymentRequest,
  fillList,
  orderList,
  orderParam,
  orderReply,
  orderRequest,
  ordersQuery,
  pageQuery,
  signalList,
  strategyList,
} from './schemas.ts';
import type { StrategyService } from './service.ts';

/** Returns the routes of the Strategy engine. */
export function strategyRoutes(service: StrategyService) {
  return new Elysia({ name: 'strategy-routes' })
    .get('/strategies', () => service.strategies(), {
      response: { 200: strategyList },
      detail: { summary: 'Strategies with their options', tags: ['strategies'] },
    })
    .get('/deployments', () => service.deployments(), {
      response: { 200: deploymentList },
      detail: { summary: 'Strategies at work', tags: ['deployments'] },
    })
    .post('/deployments', async ({ body, status }) => status(201, await service.deploy(body)), {
      body: deploymentRequest,
      response: { 201: deploymentReply },
      detail: { summary: 'Puts a strategy to work on a symbol for a portfolio', tags: ['deployments'] },
    })
    .delete('/deployments/:id', ({ params }) => service.withdraw(params.id), {
      params: deploymentParam,
      response: { 200: deploymentReply },
      detail: { summary: 'Ends a deployment; what it holds stays', tags: ['deployments'] },
    })
    .post(
      '/orders',
      async ({ body, status, request }) => status(201, await service.placeOrder(body, traceIdOf(request))),
      {
        body: orderRequest,
        response: { 201: orderReply },
        detail: {
          summary: 'Sends an order through the pre-trade check to the paper venue',
          tags: ['orders'],
        },
      },
    )
    .get('/orders', ({ query }) => service.orders(query), {
      query: ordersQuery,
      response: { 200: orderList },
      detail: { summary: 'Orders, newest first', tags: ['orders'] },
    })
    .get('/orders/:order_id', ({ params }) => service.order(params.order_id), {
      params: orderParam,
      response: { 200: orderReply },
      detail: { summary: 'One order', tags: ['orders'] },
    })
    .delete('/orders/:order_id', ({ params }) => service.cancelOrder(params.order_id), {
      params: orderParam,
      response: { 200: orderReply },
      detail: { summary: 'Cancels an open order', tags: ['orders'] },
    })
    .get('/fills', ({ query }) => service.fills(query), {
      query: pageQuery,
      response: { 200: fillList },
      detail: { summary: 'Executions, newest first', tags: ['orders'] },
    })
    .get('/signals', ({ query }) => service.signals(query), {
      query: pageQuery,
      response: { 200: signalList },
      detail: { summary: 'Signals of the strategies, newest first', tags: ['strategies'] },
    });
}
