// Routes of models: schema, one call, nothing else.
import { Elysia } from 'elysia';
import { z } from 'zod';
import { InvalidOptionError } from '../../../src/core/errors.ts';
import { jsonSchemaOf } from '../../../src/http/openapi.ts';
import { modelCardSchema } from '../../../src/onnx/model-card.ts';
import { convertReply, convertRequest } from '../conversion/schemas.ts';
import { type DeploymentsQuery, deploymentList, deploymentsQuery, modelParam } from '../schemas.ts';
import {
  deletedModel,
  deleteQuery,
  deployReply,
  deployRequest,
  modelDefinition,
  modelDeploymentList,
  modelList,
  modelStatus,
  modelsQuery,
  modelUpdate,
  modelUpload,
  modelVersion,
  pageQuery,
  registeredModel,
  versionDefinition,
  versionList,
  versionParam,
  versionUpdate,
  versionUpload,
} from './schemas.ts';
import type { ModelsService } from './service.ts';
import { checked, MULTIPART, OCTETS } from './upload.ts';

/** Paths whose bodies may be files, with a limit of their own. */
export const UPLOAD_PATHS = ['/models', '/models/:model_id/versions'];

const binary = { type: 'string', format: 'binary' } as const;
const bodyOf = (json: z.ZodType, definition: z.ZodType) => {
  const parts = { definition: jsonSchemaOf(definition), artefact: binary, tokenizer: binary };
  return {
    required: true,
    content: {
      'application/json': { schema: jsonSchemaOf(json) },
      [MULTIPART]: { schema: { type: 'object' as const, properties: parts } },
      [OCTETS]: { schema: binary },
    },
  };
};
const tags = ['models'];

/** Tells which models have served the stream. */
export interface StreamDeployments {
  deployments(query: DeploymentsQuery): Promise<z.input<typeof deploymentList>>;
}

/** Returns the routes of models. */
export function registryRoutes(service: ModelsService, stream: StreamDeployments) {
  const { deployer, registry } = service;
  return new Elysia({ name: 'ml-registry-routes' })
    .get('/models', ({ query }) => service.list(query), {
      query: modelsQuery,
      response: { 200: modelList },
      detail: { summary: 'All models by id, rejected ones with the reason', tags },
    })
    .post(
      '/models',
      async ({ request, set }) => {
        const { fields, artefact, tokenizer } = await service.uploads.read(request);
        const model = await service.create(checked(modelDefinition, fields), artefact, tokenizer);
        set.status = 201;
        set.headers.location = `/models/${model.model_id}`;
        set.headers.etag = `"${model.revision}"`;
        return model;
      },
      {
        parse: 'none',
        response: { 201: registeredModel },
        detail: {
          summary: 'Register an ONNX file as version 1, or define a model to be trained',
          tags,
          requestBody: bodyOf(modelUpload, modelDefinition),
        },
      },
    )
    .get('/models/deployments', ({ query }) => stream.deployments(query), {
      query: deploymentsQuery,
      response: { 200: deploymentList },
      detail: { summary: 'Models that have served the stream, newest first', tags },
    })
    .get(
      '/models/:model_id',
      async ({ params, set }) => {
        const model = await service.model(params.model_id);
        if ('revision' in model) set.headers.etag = `"${model.revision}"`;
        return model;
      },
      {
        params: modelParam,
        response: { 200: z.union([registeredModel, modelCardSchema]) },
        detail: { summary: 'One model: its page, or the card of one of the models directory', tags },
      },
    )
    .put(
      '/models/:model_id',
      async ({ params, body, headers, set }) => {
        const model = await service.change(params.model_id, () =>
          registry.update(params.model_id, body, revisionOf(headers['if-match'])),
        );
        set.headers.etag = `"${model.revision}"`;
        return model;
      },
      {
        params: modelParam,
        body: modelUpdate,
        response: { 200: registeredModel },
        detail: {
          summary: 'Change name, description, tags, aliases, configuration; If-Match: revision',
          tags,
        },
      },
    )
    .delete(
      '/models/:model_id',
      ({ params, query, headers }) =>
        service.change(params.model_id, () =>
          registry.delete(params.model_id, query.force === 'true', revisionOf(headers['if-match'])),
        ),
      {
        params: modelParam,
        query: deleteQuery,
        response: { 200: deletedModel },
        detail: { summary: 'Delete a model and its versions', tags },
      },
    )
    .get('/models/:model_id/status', ({ params }) => service.status(params.model_id), {
      params: modelParam,
      response: { 200: modelStatus },
      detail: { summary: 'What a model is doing', tags },
    })
    .get('/models/:model_id/versions', ({ params, query }) => registry.versions(params.model_id, query), {
      params: modelParam,
      query: pageQuery,
      response: { 200: versionList },
      detail: { summary: 'Versions of a registered model, newest first', tags },
    })
    .post(
      '/models/:model_id/versions',
      async ({ params, request, set }) => {
        const { model_id } = params;
        const { fields, artefact, tokenizer } = await service.uploads.read(request);
        const definition = checked(versionDefinition, fields);
        const version = await service.change(model_id, () =>
          registry.addVersion(model_id, definition, artefact, tokenizer),
        );
        set.status = 201;
        set.headers.location = `/models/${model_id}/versions/${version.version}`;
        return version;
      },
      {
        parse: 'none',
        params: modelParam,
        response: { 201: modelVersion },
        detail: {
          summary: 'Register an ONNX file as the next version',
          tags,
          requestBody: bodyOf(versionUpload, versionDefinition),
        },
      },
    )
    .get(
      '/models/:model_id/versions/:version',
      ({ params }) => registry.version(params.model_id, params.version),
      {
        params: versionParam,
        response: { 200: modelVersion },
        detail: { summary: 'One version: signature, metrics, lineage, artefact', tags },
      },
    )
    .put(
      '/models/:model_id/versions/:version',
      ({ params, body }) =>
        service.change(params.model_id, () => registry.setStage(params.model_id, params.version, body.stage)),
      {
        params: versionParam,
        body: versionUpdate,
        response: { 200: modelVersion },
        detail: { summary: 'Move a version that does not serve to another stage', tags },
      },
    )
    .post(
      '/models/:model_id/versions/:version/convert',
      ({ params, body }) =>
        service.change(params.model_id, () => registry.convert(params.model_id, params.version, body)),
      {
        params: versionParam,
        body: convertRequest,
        response: { 200: convertReply },
        detail: { summary: 'Make a variant of a version and measure what it costs; nothing serves it', tags },
      },
    )
    .get(
      '/models/:model_id/deployments',
      ({ params, query }) => registry.deployments(params.model_id, query),
      {
        params: modelParam,
        query: pageQuery,
        response: { 200: modelDeploymentList },
        detail: { summary: 'What served when, newest first; kept when the model is deleted', tags },
      },
    )
    .post(
      '/models/:model_id/deploy',
      ({ params, body }) =>
        service.change(params.model_id, () => deployer.deploy(params.model_id, body ?? {})),
      {
        params: modelParam,
        body: deployRequest.optional(),
        response: { 200: deployReply },
        detail: { summary: 'Let a version serve, once it has passed a trial', tags },
      },
    )
    .post(
      '/models/:model_id/rollback',
      ({ params }) => service.change(params.model_id, () => deployer.rollback(params.model_id)),
      {
        params: modelParam,
        response: { 200: deployReply },
        detail: { summary: 'Let the version serve again that served before', tags },
      },
    );
}

/** The revision of `If-Match: "3"`; null where there is none. Throws InvalidOptionError for anything else. */
function revisionOf(header: string | undefined): number | null {
  if (header === undefined || header === '*') return null;
  const found = /^"?([1-9][0-9]{0,14})"?$/.exec(header)?.[1];
  if (found !== undefined) return Number(found);
  const field = { pointer: 'header/if-match', expected: 'a revision in quotes, or *' };
  throw new InvalidOptionError(`Expected ${field.expected} for ${field.pointer}`, [field]);
}
