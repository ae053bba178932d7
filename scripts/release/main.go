// Command release writes what a release offers to those who have no Go toolchain:
// the functions as zip files for both architectures of Lambda, a template for each
// that names them, a bill of materials (SBOM) for each zip file, and SHA-256 sums.
//
//	go run ./scripts/release -version v1.2.3
//
// The same commit and version give the same bytes, so that anyone can check a
// release by building it again.
package main

import (
	"archive/zip"
	"bytes"
	"crypto/sha256"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// architectures are the values of the template's parameter and what Go calls them.
var architectures = map[string]string{"arm64": "arm64", "x86_64": "amd64"}

// functions are the resources and the folders of functions/ that they are built from.
var functions = map[string]string{
	"RotateFunction": "rotate", "RotateApiTokenFunction": "rotate-api-token", "AuditFunction": "audit",
}

func main() {
	version := flag.String("version", "", "version that the functions log at a cold start")
	out := flag.String("out", "build/release", "folder to write to")
	flag.Parse()
	if err := run(*version, *out); err != nil {
		fmt.Fprintln(os.Stderr, "release:", err)
		os.Exit(1)
	}
}

func run(version, out string) error {
	if version == "" {
		return errors.New("name the version: -version v1.2.3")
	}
	template, err := os.ReadFile("template.yaml")
	if err != nil {
		return fmt.Errorf("run this from the root of the repository: %w", err)
	}
	files := map[string][]byte{}
	for name, goarch := range architectures {
		packaged, err := packageTemplate(template, name)
		if err != nil {
			return err
		}
		files["template-"+name+".yaml"] = packaged
		for resource, folder := range functions {
			binary, bill, err := build(resource, goarch, version)
			if err != nil {
				return err
			}
			files[billName(folder, name)] = bill
			archive, err := zipped(binary)
			if err != nil {
				return err
			}
			files[zipName(folder, name)] = archive
		}
	}
	files["SHA256SUMS"] = sums(files)
	if err := os.MkdirAll(out, 0o755); err != nil {
		return err
	}
	for name, content := range files {
		if err := os.WriteFile(filepath.Join(out, name), content, 0o644); err != nil {
			return err
		}
	}
	return nil
}

func zipName(folder, architecture string) string { return folder + "-" + architecture + ".zip" }

func billName(folder, architecture string) string { return folder + "-" + architecture + ".cdx.json" }

// build has make build one function, as the SAM CLI does. It returns the binary and its
// bill of materials.
func build(resource, goarch, version string) (binary, bill []byte, err error) {
	dir, err := os.MkdirTemp("", "release-")
	if err != nil {
		return nil, nil, err
	}
	defer os.RemoveAll(dir)
	cmd := exec.Command("make", "build-"+resource, "ARTIFACTS_DIR="+dir, "GOARCH="+goarch, "VERSION="+version)
	cmd.Stdout, cmd.Stderr = os.Stderr, os.Stderr
	if err := cmd.Run(); err != nil {
		return nil, nil, fmt.Errorf("build %s for %s: %w", resource, goarch, err)
	}
	path := filepath.Join(dir, "bootstrap")
	if binary, err = os.ReadFile(path); err != nil {
		return nil, nil, err
	}
	bill, err = materials(path, version)
	return binary, bill, err
}

// zipped is a deployment package: one executable file named bootstrap, with the
// earliest time that a zip file can hold.
func zipped(binary []byte) ([]byte, error) {
	var out bytes.Buffer
	z := zip.NewWriter(&out)
	header := &zip.FileHeader{
		Name:     "bootstrap",
		Method:   zip.Deflate,
		Modified: time.Date(1980, 1, 1, 0, 0, 0, 0, time.UTC),
	}
	header.SetMode(0o755)
	w, err := z.CreateHeader(header)
	if err != nil {
		return nil, err
	}
	if _, err := w.Write(binary); err != nil {
		return nil, err
	}
	if err := z.Close(); err != nil {
		return nil, err
	}
	return out.Bytes(), nil
}

// sums is what `sha256sum --check` reads.
func sums(files map[string][]byte) []byte {
	var lines []string
	for name, content := range files {
		lines = append(lines, fmt.Sprintf("%x  %s\n", sha256.Sum256(content), name))
	}
	slices.SortFunc(lines, func(a, b string) int { return strings.Compare(a[64:], b[64:]) })
	return []byte(strings.Join(lines, ""))
}
