package main

import (
	"github.com/credsync/credsync/config"
	"github.com/credsync/credsync/schema/diag"
)

// lastingState warns where the state's default place goes away with the
// machine: tokens would be lost, and rejected logins tried again.
func (a *app) lastingState(c *config.Config) diag.List {
	if c.State == nil || !c.State.Implicit {
		return nil
	}
	where := ""
	switch {
	case a.getenv("KUBERNETES_SERVICE_HOST") != "":
		where = "a Kubernetes pod"
	case a.getenv("GITHUB_ACTIONS") != "", a.getenv("GITLAB_CI") != "", a.getenv("CI") == "true":
		where = "a CI runner"
	default:
		return nil
	}
	return diag.List{diag.Warningf("The state will not last here",
		"There is no state block, so the state is kept in .credsync beside the configuration, and in %s that goes away. "+
			"The next run would log in again, also with credentials that were rejected. Declare a state block that names a lasting place.", where)}
}
