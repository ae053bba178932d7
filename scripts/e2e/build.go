package main

import (
	"context"
	"debug/elf"
	"fmt"
	"path/filepath"
	"runtime"
)

// architecture is one value of the template's parameter Architecture.
type architecture struct {
	name, goarch string
	machine      elf.Machine
}

var architectures = []architecture{{"arm64", "arm64", elf.EM_AARCH64}, {"x86_64", "amd64", elf.EM_X86_64}}

// ownArchitecture is the one whose binaries this machine runs.
func ownArchitecture() (architecture, error) {
	for _, a := range architectures {
		if a.goarch == runtime.GOARCH {
			return a, nil
		}
	}
	return architecture{}, fmt.Errorf("no architecture of Lambda is %s", runtime.GOARCH)
}

func (w *workshop) lintTemplate(ctx context.Context) {
	w.check(ctx, "cfn-lint finds nothing", func() error {
		_, err := output(ctx, w.tool(ctx, "cfn-lint", "--non-zero-exit-code", "informational", "template.yaml"))
		return err
	})
	w.check(ctx, "sam validate --lint", func() error {
		_, err := output(ctx, w.tool(ctx, "sam", "validate", "--lint", "--template", "template.yaml"))
		return err
	})
}

// packageRelease lints the templates that a release offers.
func (w *workshop) packageRelease(ctx context.Context) {
	w.check(ctx, "the templates of a release are as good", func() error {
		out := filepath.Join(w.dir, "release")
		release := w.command(ctx, "go", "run", "./scripts/release", "-version", "e2e", "-out", out)
		if _, err := output(ctx, release); err != nil {
			return err
		}
		lint := w.tool(ctx, "cfn-lint", "--non-zero-exit-code", "informational")
		for _, a := range architectures {
			template := filepath.Join(out, "template-"+a.name+".yaml")
			lint.Args = append(lint.Args, template)
			if _, err := output(ctx, w.tool(ctx, "sam", "validate", "--template", template)); err != nil {
				return err
			}
		}
		_, err := output(ctx, lint)
		return err
	})
	w.check(ctx, "its bills of materials are valid, and list the modules of the binaries", func() error {
		return w.readBills(ctx)
	})
}

// built is the folder of the SAM CLI's output for an architecture.
func (w *workshop) built(a architecture) string { return filepath.Join(w.dir, "build-"+a.name) }

// bootstrap is a built function of this machine's architecture.
func (w *workshop) bootstrap(function string) (string, error) {
	a, err := ownArchitecture()
	return filepath.Join(w.built(a), function, "bootstrap"), err
}

func (w *workshop) buildFunctions(ctx context.Context) {
	for _, a := range architectures {
		w.check(ctx, "sam build for "+a.name, func() error {
			cmd := w.tool(ctx, "sam", "build", "--template", "template.yaml", "--build-dir", w.built(a),
				"--parameter-overrides", "Architecture="+a.name)
			// The SAM CLI does not tell the makefile the architecture.
			cmd.Env = append(cmd.Env, "GOARCH="+a.goarch)
			if _, err := output(ctx, cmd); err != nil {
				return err
			}
			for _, function := range []string{"RotateFunction", "RotateApiTokenFunction", "AuditFunction"} {
				if err := isStaticBinary(filepath.Join(w.built(a), function, "bootstrap"), a.machine); err != nil {
					return err
				}
			}
			return nil
		})
	}
}

// isStaticBinary wants an executable for the machine that asks for no interpreter:
// the runtime provided.al2023 promises no C library.
func isStaticBinary(path string, machine elf.Machine) error {
	f, err := elf.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	if f.Machine != machine {
		return fmt.Errorf("%s is for %v, want %v", path, f.Machine, machine)
	}
	for _, p := range f.Progs {
		if p.Type == elf.PT_INTERP {
			return fmt.Errorf("%s is linked dynamically", path)
		}
	}
	return nil
}
