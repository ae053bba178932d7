package main

import (
	"archive/zip"
	"bytes"
	"context"
	"debug/buildinfo"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strings"
)

// readBills has the bill of materials of each zip file of the release validated by the
// published schema, and compares it with what the linker noted in the binary.
func (w *workshop) readBills(ctx context.Context) error {
	venv, err := output(ctx, w.installer(ctx, "readers"))
	if err != nil {
		return err
	}
	python := filepath.Join(strings.TrimSpace(venv), "bin", "python")
	archives, err := filepath.Glob(filepath.Join(w.dir, "release", "*.zip"))
	if err != nil || len(archives) != 3*len(architectures) {
		return fmt.Errorf("%d zip files, %v", len(archives), err)
	}
	for _, archive := range archives {
		bill := strings.TrimSuffix(archive, ".zip") + ".cdx.json"
		out, err := output(ctx, w.command(ctx, python, filepath.Join(w.root, "scripts/e2e/readers/sbom.py"), bill))
		if err != nil {
			return err
		}
		want, err := modulesOf(archive)
		if err != nil {
			return err
		}
		listed := strings.Split(strings.TrimSpace(out), "\n")
		slices.Sort(listed)
		if !slices.Equal(want, listed) {
			return fmt.Errorf("%s lists\n%q\nand the binary has\n%q", filepath.Base(bill), listed, want)
		}
	}
	return nil
}

// modulesOf are the modules of the binary in a deployment package, with Go's own
// library, each as "name version", sorted.
func modulesOf(archive string) ([]string, error) {
	z, err := zip.OpenReader(archive)
	if err != nil {
		return nil, err
	}
	defer z.Close()
	f, err := z.Open("bootstrap")
	if err != nil {
		return nil, err
	}
	defer f.Close()
	binary, err := io.ReadAll(f)
	if err != nil {
		return nil, err
	}
	info, err := buildinfo.Read(bytes.NewReader(binary))
	if err != nil {
		return nil, err
	}
	modules := []string{"std " + info.GoVersion}
	for _, m := range info.Deps {
		modules = append(modules, m.Path+" "+m.Version)
	}
	slices.Sort(modules)
	return modules, nil
}
