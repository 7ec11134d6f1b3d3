package config

import (
	"github.com/credsync/credsync/credential"
	"github.com/credsync/credsync/schema/diag"
)

// Moved is pending.
type Moved struct {
	From, To string
	Whole    bool
	Range    *diag.Range
}

// Import is pending.
type Import struct {
	To    string
	Token credential.Token
	Range *diag.Range
}

// Keys is pending.
func (d *Delivery) Keys() (keys []string, known bool) { return d.keys, d.keys != nil }
