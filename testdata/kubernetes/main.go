// This program decodes contrib/kubernetes/postseal.yaml into the types of the
// Kubernetes API, and checks that its objects name each other's labels, ports and
// volumes. An unknown field is an error. "make kubernetes" runs it.
package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"reflect"
	"slices"

	apps "k8s.io/api/apps/v1"
	core "k8s.io/api/core/v1"
	networking "k8s.io/api/networking/v1"
	policy "k8s.io/api/policy/v1"
	"sigs.k8s.io/json"
	"sigs.k8s.io/yaml"
)

func main() {
	text, err := os.ReadFile(os.Args[1])
	if err == nil {
		err = check(text)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func check(text []byte) (err error) {
	var (
		config     core.ConfigMap
		deployment apps.Deployment
		service    core.Service
		budget     policy.PodDisruptionBudget
		network    networking.NetworkPolicy
	)
	missing := map[string]any{
		"v1 ConfigMap": &config, "apps/v1 Deployment": &deployment, "v1 Service": &service,
		"policy/v1 PodDisruptionBudget": &budget, "networking.k8s.io/v1 NetworkPolicy": &network,
	}
	for document := range bytes.SplitSeq(text, []byte("\n---\n")) {
		var object struct{ APIVersion, Kind string }
		data, fault := yaml.YAMLToJSONStrict(document)
		err = errors.Join(err, fault, json.UnmarshalCaseSensitivePreserveInts(data, &struct {
			APIVersion *string `json:"apiVersion"`
			Kind       *string `json:"kind"`
		}{&object.APIVersion, &object.Kind}))
		kind := object.APIVersion + " " + object.Kind
		if missing[kind] == nil {
			err = errors.Join(err, fmt.Errorf("unexpected: %s", kind))
			continue
		}
		faults, fault := json.UnmarshalStrict(data, missing[kind])
		for _, fault := range append(faults, fault) {
			if fault != nil {
				err = errors.Join(err, fmt.Errorf("%s: %w", kind, fault))
			}
		}
		delete(missing, kind)
	}
	if len(missing) > 0 || err != nil {
		return errors.Join(err, fmt.Errorf("missing: %d objects", len(missing)))
	}

	pod := deployment.Spec.Template
	for what, labels := range map[string]map[string]string{
		"Deployment": deployment.Spec.Selector.MatchLabels, "Service": service.Spec.Selector,
		"PodDisruptionBudget": budget.Spec.Selector.MatchLabels, "NetworkPolicy": network.Spec.PodSelector.MatchLabels,
		"topologySpreadConstraints": pod.Spec.TopologySpreadConstraints[0].LabelSelector.MatchLabels,
	} {
		if !reflect.DeepEqual(labels, pod.Labels) {
			err = errors.Join(err, fmt.Errorf("%s selects %v, and the pods have %v", what, labels, pod.Labels))
		}
	}
	container := pod.Spec.Containers[0]
	ports := []string{
		service.Spec.Ports[0].TargetPort.String(),
		container.ReadinessProbe.HTTPGet.Port.String(), container.LivenessProbe.HTTPGet.Port.String(),
	}
	for _, rule := range network.Spec.Ingress {
		ports = append(ports, rule.Ports[0].Port.String())
	}
	for _, port := range ports {
		if !slices.ContainsFunc(container.Ports, func(p core.ContainerPort) bool { return p.Name == port }) {
			err = errors.Join(err, fmt.Errorf("the container has no port %q", port))
		}
	}
	for _, mount := range container.VolumeMounts {
		if !slices.ContainsFunc(pod.Spec.Volumes, func(v core.Volume) bool { return v.Name == mount.Name }) {
			err = errors.Join(err, fmt.Errorf("the pod has no volume %q", mount.Name))
		}
	}
	if name := pod.Spec.Volumes[0].ConfigMap.Name; name != config.Name {
		err = errors.Join(err, fmt.Errorf("the pod mounts the ConfigMap %q", name))
	}
	return err
}
