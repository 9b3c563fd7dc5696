import { Controller } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import { BY_ID, BY_NAME } from '@coordination/registry';
import { explainRoutes } from './explain.routes.js';
import { InstanceExplainer } from './instance-explainer.service.js';

/** Explanations of the status of instances, by id. */
@ApiTags('Registry')
@Controller('api/v1/registry/instances/:id')
export class ExplainController extends explainRoutes(BY_ID) {
  constructor(explainer: InstanceExplainer) {
    super(explainer);
  }
}

/** Explanations of the status of instances, by name. */
@ApiTags('Registry')
@Controller('api/v1/registry/services/:service/instances/:instanceId')
export class NamedExplainController extends explainRoutes(BY_NAME) {
  constructor(explainer: InstanceExplainer) {
    super(explainer);
  }
}
