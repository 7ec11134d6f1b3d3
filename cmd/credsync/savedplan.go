package main

import (
	"bytes"
	"fmt"
	"io"
	"os"

	"github.com/credsync/credsync/engine"
	"github.com/google/renameio/v2"
)

// savedPlanLimit is far above any saved plan, and keeps a file that is none
// from filling the memory.
const savedPlanLimit = 64 << 20

// savePlan writes a plan whole or not at all, for its owner only: it holds no
// secret, but what it says of accounts is nobody else's business.
func (a *app) savePlan(file string, w *workspace, p *engine.Plan) error {
	var b bytes.Buffer
	if err := w.engine.Save(&b, p); err != nil {
		return err
	}
	path := a.path(file)
	if err := renameio.WriteFile(path, b.Bytes(), 0o600, renameio.IgnoreUmask()); err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	return nil
}

// readSavedPlan returns nil where path is no saved plan, but a configuration.
func readSavedPlan(path string) (*engine.Saved, error) {
	info, err := os.Stat(path)
	if err != nil || !info.Mode().IsRegular() {
		return nil, nil
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, nil
	}
	defer f.Close()
	content, err := io.ReadAll(io.LimitReader(f, savedPlanLimit))
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", path, err)
	}
	if !engine.IsSaved(content) {
		return nil, nil
	}
	return engine.LoadSaved(content)
}
