using System.Buffers.Text;
using System.CommandLine;

namespace CertAuthority.Tctl;

/// <summary><c>--host-key</c>: the fingerprint of the host key that a host must have.</summary>
internal sealed class HostKeyOption : Option<string?>
{
    private const string Sha256 = "SHA256:";

    /// <param name="description">What it decides.</param>
    public HostKeyOption(string description)
        : base("--host-key")
    {
        Description = description;
        HelpName = "FINGERPRINT";
        CustomParser = result =>
        {
            var text = result.Tokens[0].Value;
            if (!text.StartsWith(Sha256, StringComparison.Ordinal) || text.Length != Sha256.Length + 43
                || !Base64.IsValid($"{text[Sha256.Length..]}="))
                result.AddError($"--host-key takes what ssh-keygen -lf prints of the host key, SHA256:…, not '{text}'");
            return text;
        };
    }
}
