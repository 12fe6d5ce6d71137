package main

import (
	"log"
	"path"
	"strings"
	"time"
)

const class = "microk8s-hostpath"

type claim struct {
	Metadata meta `json:"metadata"`
	Spec     struct {
		StorageClassName string   `json:"storageClassName"`
		AccessModes      []string `json:"accessModes"`
		Resources        struct {
			Requests map[string]string `json:"requests"`
		} `json:"resources"`
	} `json:"spec"`
	Status struct {
		Phase string `json:"phase"`
	} `json:"status"`
}

type volume struct {
	Metadata meta `json:"metadata"`
	Spec     struct {
		StorageClassName string `json:"storageClassName"`
		ReclaimPolicy    string `json:"persistentVolumeReclaimPolicy"`
	} `json:"spec"`
	Status struct {
		Phase string `json:"phase"`
	} `json:"status"`
}

// provision makes a volume for each claim of our class once the scheduler has chosen a node, and
// forgets volumes that were released.
func provision(a *api, root string) {
	for ; ; time.Sleep(2 * time.Second) {
		var claims struct{ Items []claim }
		if _, err := a.call("GET", "/api/v1/persistentvolumeclaims", nil, &claims); err != nil {
			log.Print(err)
			continue
		}
		for _, one := range claims.Items {
			node := one.Metadata.Annotations["volume.kubernetes.io/selected-node"]
			if one.Spec.StorageClassName == class && one.Status.Phase == "Pending" && node != "" {
				if err := bind(a, root, node, one); err != nil {
					log.Print(err)
				}
			}
		}
		release(a)
	}
}

// bind makes the folder through a pod on the chosen node, then the volume.
func bind(a *api, root, node string, one claim) error {
	name := "pvc-" + one.Metadata.UID
	folder := path.Join(root, one.Metadata.Namespace+"-"+one.Metadata.Name+"-"+name)
	made, err := makeRemotely(a, root, node, folder, "provision-"+one.Metadata.UID)
	if err != nil || !made {
		return err
	}
	size := one.Spec.Resources.Requests["storage"]
	_, err = a.call("POST", "/api/v1/persistentvolumes", map[string]any{
		"apiVersion": "v1", "kind": "PersistentVolume",
		"metadata": map[string]any{
			"name":        name,
			"annotations": map[string]string{"pv.kubernetes.io/provisioned-by": "microk8s.io/hostpath"},
		},
		"spec": map[string]any{
			"capacity":                      map[string]string{"storage": size},
			"accessModes":                   one.Spec.AccessModes,
			"persistentVolumeReclaimPolicy": "Delete",
			"storageClassName":              class,
			"hostPath":                      map[string]string{"path": folder, "type": "DirectoryOrCreate"},
			"claimRef": map[string]string{
				"apiVersion": "v1", "kind": "PersistentVolumeClaim", "name": one.Metadata.Name,
				"namespace": one.Metadata.Namespace, "uid": one.Metadata.UID,
			},
			"nodeAffinity": map[string]any{"required": map[string]any{"nodeSelectorTerms": []any{
				map[string]any{"matchExpressions": []any{map[string]any{
					"key": "kubernetes.io/hostname", "operator": "In", "values": []string{node},
				}}},
			}}},
		},
	}, nil)
	if err == nil {
		log.Printf("volume %s on %s", name, node)
	}
	return err
}

// makeRemotely runs `mkdir` on the node; it says whether that is done and may be asked again.
func makeRemotely(a *api, root, node, folder, name string) (bool, error) {
	path := "/api/v1/namespaces/kube-system/pods/" + name
	var pod struct {
		Status struct{ Phase string }
	}
	status, err := a.call("GET", path, nil, &pod)
	if err != nil {
		return false, err
	}
	if status == 404 {
		_, err := a.call("POST", strings.TrimSuffix(path, "/"+name), map[string]any{
			"apiVersion": "v1", "kind": "Pod", "metadata": map[string]string{"name": name},
			"spec": map[string]any{
				"nodeName": node, "restartPolicy": "OnFailure", "automountServiceAccountToken": false,
				"tolerations": []any{map[string]string{"operator": "Exists"}},
				"containers": []any{map[string]any{
					"name": "mkdir", "image": "jeeves-lab/addons:1", "imagePullPolicy": "Never",
					"args":         []string{"mkdir", folder},
					"volumeMounts": []any{map[string]string{"name": "root", "mountPath": root}},
				}},
				"volumes": []any{map[string]any{
					"name": "root", "hostPath": map[string]string{"path": root, "type": "DirectoryOrCreate"},
				}},
			},
		}, nil)
		return false, err
	}
	if pod.Status.Phase != "Succeeded" {
		return false, nil
	}
	_, err = a.call("DELETE", path, nil, nil)
	return err == nil, err
}

func release(a *api) {
	var volumes struct{ Items []volume }
	if _, err := a.call("GET", "/api/v1/persistentvolumes", nil, &volumes); err != nil {
		log.Print(err)
		return
	}
	for _, one := range volumes.Items {
		if one.Spec.StorageClassName == class && one.Status.Phase == "Released" &&
			one.Spec.ReclaimPolicy == "Delete" {
			a.call("DELETE", "/api/v1/persistentvolumes/"+one.Metadata.Name, nil, nil)
		}
	}
}
