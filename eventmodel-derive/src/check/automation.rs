//! The handlers of an automation say which commands they issue.

use syn::{ReturnType, Type};

use crate::check::handlers;
use crate::ctxt::Ctxt;
use crate::model::automation::AutomationModel;

pub(crate) fn check(ctxt: &Ctxt, model: &AutomationModel) {
    for handler in &model.handlers {
        if let ReturnType::Type(_, ty) = &handler.output
            && let Type::ImplTrait(_) = &**ty
        {
            ctxt.error(
                ty,
                "name the type of the commands, because the board shows them: `Option<ScheduleCleaning>`",
            );
        }
        if let Some(over) = handler.overrides.first() {
            ctxt.error(
                &over.field,
                "an automation has no key: the events of one stream instance are handled in their order",
            );
        }
    }
    handlers::check(ctxt, &model.handlers);
}
