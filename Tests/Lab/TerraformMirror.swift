import Foundation
import Model

/// Terraform's provider from wherever this machine keeps it, and nothing from the internet.
struct TerraformMirror {
    /// Holds `registry.terraform.io`.
    let folder: String

    /// Throws `notFound` if no folder that Terraform looks into, or one below /opt, has the
    /// provider.
    static func find() throws -> TerraformMirror {
        let places = (try? FileManager.default.contentsOfDirectory(atPath: "/opt")) ?? []
        let folders =
            places.map { "/opt/\($0)" }
            + ["/usr/share/terraform", "/usr/share/terraform/plugins"]
            + ["/usr/local/share/terraform/plugins"]
            + [NSHomeDirectory() + "/.terraform.d/plugins"]
        guard
            let found = folders.first(where: {
                FileManager.default.fileExists(atPath: "\($0)/registry.terraform.io/hashicorp/aws")
            })
        else {
            throw Failure(
                .notFound, "looking for Terraform's AWS provider: no registry.terraform.io folder",
                fix: "make setup")
        }
        return TerraformMirror(folder: found)
    }

    /// What `TF_CLI_CONFIG_FILE` names on a machine that has the mirror there.
    var settings: String {
        """
        disable_checkpoint = true
        provider_installation {
          filesystem_mirror {
            path    = "\(folder)"
            include = ["hashicorp/*"]
          }
        }

        """
    }
}
