/// The commented cluster file that `jeeves init` writes: the reference of every key. A test decodes
/// it and compares its keys with the types.
enum Example {
    /// Where the package puts docs/jeeves.schema.json, by which editors check the file.
    private static let schema = "/usr/share/jeeves/jeeves.schema.json"

    static func render(_ values: Founding.Values) -> String {
        """
        # yaml-language-server: $schema=\(schema)
        # The cluster file of Jeeves. `jeeves validate` checks it; every key is shown with its
        # default, or with an example where it is required.

        # Name of the cluster: part of every identity and tag. Never change it after `jeeves init`.
        cluster: \(values.cluster)
        # Name under which people reach the chat. Its zone must be in Route 53.
        domain: \(values.domain)

        aws:
          region: \(values.region)
          # Refuse credentials of any other account ("" accepts any).
          account: ""

        terraform:
          # Where Terraform keeps its state: in the state folder, or in a bucket that is there
          # already, with a lock file beside it (Terraform 1.10 or newer).
          backend:
            # s3:
            #   bucket: example-terraform
            #   # "" means jeeves/CLUSTER/terraform.tfstate.
            #   key: ""
            #   # "" means aws.region.
            #   region: ""

        coordinator:
          # host:port under which the nodes reach this machine, tried in order (required).
          addresses: ["203.0.113.7:7443"]
          # address:port to listen on.
          listen: 0.0.0.0:7443
          # Plain HTTP port that serves the agent's package to first boot; 0 turns it off.
          packagePort: 7480
          # The page and the figures that `jeeves serve` shows of the cluster.
          statusPage:
            # address:port; "" turns it off.
            address: 127.0.0.1:7481
            # Let `address` be one that other machines reach: whoever does sees everything on it.
            exposed: false

        agent:
          # Which jeeves-agent first boot installs: by default the one that came with jeeves.
          package:
            # A .deb on this machine ...
            file: ""
            # ... or a URL with its SHA-256.
            url: ""
            # sha256: 64 hexadecimal digits

        nodes:
          controllers:
            # 1, 3 or 5.
            count: \(values.nodes.controllers.count)
            instanceType: \(values.nodes.controllers.instanceType)
            # Encrypted gp3 root volume.
            diskGiB: \(values.nodes.controllers.diskGiB)
            # "" takes Canonical's newest Ubuntu 24.04.
            ami: "\(values.nodes.controllers.ami)"
          workers:
            count: \(values.nodes.workers.count)
            instanceType: \(values.nodes.workers.instanceType)
            diskGiB: \(values.nodes.workers.diskGiB)
            ami: "\(values.nodes.workers.ami)"

        network:
          # The VPC that Terraform makes, /16 to /24.
          cidr: \(values.network.cidr)

        dns:
          # "" chooses the public zone with the longest matching suffix.
          zoneID: "\(values.dns.zoneID)"
          # Seconds.
          ttl: 60

        certificate:
          # Address of the ACME account, to which the CA may write (required).
          email: \(values.email)
          # [ecdsa, rsa] serves a second certificate to clients that know nothing newer than RSA.
          keyTypes: [ecdsa]
          acme:
            # "" means Let's Encrypt.
            directory: ""
            # PEM file of the CA behind the ACME server itself, for a private CA.
            caFile: ""
            # PEM file of the roots that issued certificates chain to, for a private CA.
            trustFile: ""
            # Let's Encrypt's staging environment; needs its roots in trustFile.
            staging: false

        edge:
          # Limits for one source address; an office shares one.
          requestsPerTenSecondsMax: 600
          connectionsPerSourceMax: 400
          # For all of HAProxy.
          connectionsMax: 4000
          # How long open connections may outlive a reload of HAProxy, which a renewal never needs.
          drainSeconds: 900

        microk8s:
          channel: 1.34/stable
          addons: [dns, hostpath-storage, rbac]

        ingress:
          # Version of Traefik.
          version: 3.5.0
          # Render a certificate resolver in Traefik as well; the edge ends TLS, so this is off.
          acme: false
          # When nodes fetch images: Always, IfNotPresent or Never.
          imagePullPolicy: IfNotPresent

        app:
          # Helm release, and the beginning of the names of its objects.
          release: rocketchat
          namespace: psautoinfra
          chart:
            repository: https://rocketchat.github.io/helm-charts
            name: rocketchat
            version: 7.0.2
            # A local chart instead of the three above.
            path: ""
          # Version of Rocket.Chat.
          version: 8.6.1
          # Needed before 7.7.1, impossible from 8.0.
          streamHub: false
          # More than 1 needs a licence.
          replicas: 1
          # File with the licence, mode 0600.
          licenseFile: ""
          # Exactly one of `external` and `bundled` (required).
          mongodb:
            external:
              # File with the URI of a replica set, mode 0600.
              uriFile: mongodb.uri
              # Image with mongosh, which looks at the database before Helm runs; "" to skip it.
              clientImage: mongo:8.2
            # bundled:
            #   storageClass: microk8s-hostpath
          imagePullPolicy: IfNotPresent
          # How long Helm may wait.
          timeoutSeconds: 900

        # In which portions a change reaches nodes that serve already. Controllers go one by one.
        rollout:
          # How many workers change at once: a number, or a share such as 25%.
          batch: 1
          # How many change before the first whole batch; 0 for none.
          canary: 1
          # How long a batch has to stay right before the next one begins.
          stableSeconds: 30
          # How long it may take until then.
          deadlineSeconds: 1800
          # Workers that may fail without ending the run.
          failuresMax: 0
          # How long pods may take to leave a worker whose MicroK8s changes.
          drainSeconds: 300
          # manual: after the first batch it waits for `jeeves rollout promote`.
          promotion: automatic

        # What agents do about what somebody changed on a node: repair it, or report it.
        drift:
          packages: repair
          haproxy: repair
          microk8s: repair

        """
    }
}
