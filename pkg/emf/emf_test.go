package emf_test

import (
	"bytes"
	"encoding/json"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"databrain-rotation/pkg/emf"
)

func TestWriteMakesOneLineOfTheSpecification(t *testing.T) {
	var out bytes.Buffer
	err := emf.Write(&out, time.UnixMilli(1700000000123), "Space", [][]string{{}, {"A"}, {"A", "B"}},
		map[string]string{"A": "a", "B": "b", "Unused": "x"},
		emf.Metric{Name: "N", Unit: "Count", Value: 2}, emf.Metric{Name: "D", Unit: "Milliseconds", Value: 0.5})
	if err != nil {
		t.Fatal(err)
	}
	if n := bytes.Count(out.Bytes(), []byte("\n")); n != 1 || out.Bytes()[out.Len()-1] != '\n' {
		t.Fatalf("not one line: %q", out.String())
	}
	var got, want any
	if err := json.Unmarshal(out.Bytes(), &got); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal([]byte(`{"A":"a","B":"b","N":2,"D":0.5,"_aws":{"Timestamp":1700000000123,"CloudWatchMetrics":[
		{"Namespace":"Space","Dimensions":[[],["A"],["A","B"]],
		 "Metrics":[{"Name":"N","Unit":"Count"},{"Name":"D","Unit":"Milliseconds"}]}]}}`), &want); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestWriteRefusesADimensionWithoutValue(t *testing.T) {
	var out bytes.Buffer
	if err := emf.Write(&out, time.Now(), "Space", [][]string{{"A"}}, nil); err == nil || out.Len() > 0 {
		t.Errorf("err %v, wrote %q", err, out.String())
	}
}
