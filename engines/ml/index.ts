// The ML engine: tables, training, a registry of models, predictions on the stream and on request.
import { topics } from '../../src/bus/topics.ts';
import type { EngineDefinition } from '../../src/http/engine.ts';
import { kernelRoutes } from '../../src/http/kernel-routes.ts';
import { JOB_TABLES } from '../../src/jobs/database-schema.ts';
import { jobRoutes } from '../../src/jobs/routes.ts';
import { FAMILIES } from '../../src/native/index.ts';
import { datasetRoutes } from './datasets/routes.ts';
import { decisionRoutes } from './decisions/routes.ts';
import { experimentRoutes } from './experiments/routes.ts';
import { featureRoutes } from './features/routes.ts';
import { engineMetrics } from './metrics-message.ts';
import { MIGRATIONS } from './migrations.ts';
import { monitoringRoutes } from './monitoring/routes.ts';
import { tableReportRoutes } from './monitoring/table-routes.ts';
import { registryRoutes, UPLOAD_PATHS } from './registry/routes.ts';
import { searchRoutes } from './search/routes.ts';
import { type MlOptions, MlService } from './service.ts';
import { RAW_PATHS, servingRoutes } from './serving/routes.ts';
import { templateRoutes } from './templates/list.ts';
import { trainingRoutes } from './training/routes.ts';

/** Returns the engine; `options` choose the model of the stream. */
export function mlEngine(options: MlOptions = {}): EngineDefinition {
  return {
    name: 'ml',
    port: 8400,
    title: 'ML Inference Engine',
    description: 'Trains, registers and serves models; predictions on the stream and on request.',
    migrations: MIGRATIONS,
    schemas: { jobs: JOB_TABLES },
    create(context) {
      const service = new MlService(context, options);
      return {
        routes: registryRoutes(service.models, service)
          .use(
            servingRoutes(
              service.serving,
              service.predictions,
              service.publishing,
              service.templates,
              service.experiments,
              context.config.maxBodyBytes,
            ),
          )
          .use(experimentRoutes(service.experiments))
          .use(templateRoutes())
          .use(decisionRoutes(service.decisions))
          .use(datasetRoutes(service.datasets, context))
          .use(trainingRoutes(service.training, service.validation))
          .use(searchRoutes(service.search))
          .use(monitoringRoutes(service.monitoring))
          .use(tableReportRoutes(service.monitoring.tables))
          .use(featureRoutes(service.features))
          .use(jobRoutes(service.jobs))
          .use(kernelRoutes('ml', FAMILIES.learning, context.config.defaultTimeoutMs)),
        rawBodies: [...UPLOAD_PATHS, ...RAW_PATHS, '/datasets'],
        participant: service.participant,
        socket: service.socket.endpoint,
        missing: () => service.missing(),
        onHardware: (told) => {
          context.bus.publish(topics.mlHardwareMetrics, told);
          context.bus.publish(topics.mlEngineMetrics, engineMetrics(told));
        },
        status: () => service.status(),
        start: () => service.start(),
        stop: () => service.stop(),
      };
    },
  };
}

export default mlEngine();
