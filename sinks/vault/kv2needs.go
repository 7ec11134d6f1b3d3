package vault

import "github.com/credsync/credsync/sinks"

// needsToDeliver has no create on the data of a target that is marked: the mark is made
// first, and Vault then takes even the first write of data for an update. Should
// someone purge the secret between the two, the write is denied, and the next
// apply, which finds nothing there, begins with the mark again.
func (k kv2) needsToDeliver(t sinks.Target) []capabilityNeed {
	if t.Merge {
		return []capabilityNeed{
			{path: k.dataPath(t), capabilities: []string{"create", "patch", "update"}, why: "write its keys and keep the others"},
			{path: k.metadataPath(t), capabilities: []string{"read"}, why: "check whether it exists, and its version"},
		}
	}
	return []capabilityNeed{
		{path: k.dataPath(t), capabilities: []string{"update"}, why: "write the token"},
		{path: k.metadataPath(t), capabilities: []string{"read"}, why: "check whether it exists, its version and its owner"},
		{path: k.metadataPath(t), capabilities: []string{"create", "patch"}, why: "mark its owner", unclaimed: true},
	}
}

func (k kv2) needsToCompare(t sinks.Target) []capabilityNeed {
	if !t.Merge {
		return nil
	}
	return []capabilityNeed{{path: k.dataPath(t), capabilities: []string{"read"}, why: "check whether its own keys changed when others change theirs"}}
}

func (k kv2) needsToDelete(t sinks.Target) []capabilityNeed {
	if t.Merge {
		return nil // needsToDeliver covers it
	}
	return []capabilityNeed{{path: k.metadataPath(t), capabilities: []string{"delete"}, why: "delete it after it was removed from the configuration"}}
}

func (k kv2) needsToRead(t sinks.Target) []capabilityNeed {
	return []capabilityNeed{{path: k.dataPath(t), capabilities: []string{"read"}, why: "read its values"}}
}

func (k kv2) needsToKeepState(all, record sinks.Target) []capabilityNeed {
	return []capabilityNeed{
		{path: k.dataPath(record), capabilities: []string{"create", "read", "update"}, why: "keep the record of each account"},
		{path: k.metadataPath(all), capabilities: []string{"list"}, why: "find the records of accounts that were removed from the configuration"},
		{path: k.metadataPath(record), capabilities: []string{"delete", "read"}, why: "remove those records"},
	}
}

// needsToSeeThatStateLasts is what a plan wants that apply does without.
func (k kv2) needsToSeeThatStateLasts() []capabilityNeed {
	return []capabilityNeed{{path: k.mount + "/config", capabilities: []string{"read"}, why: "check at plan whether Vault deletes versions after a set time"}}
}
