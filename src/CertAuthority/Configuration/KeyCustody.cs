using System.Text.RegularExpressions;
using CertAuthority.Linux;
using CertAuthority.Protocol;
using CertAuthority.Resources;

namespace CertAuthority.Configuration;

/// <summary>Where the private half of a CA key is.</summary>
internal abstract partial record KeyCustody
{
    /// <summary>In a file of the data directory that its owner alone can read. The daemon creates the key if there is none.</summary>
    public sealed record InFile : KeyCustody
    {
        public override string ToString() => "file";
    }

    /// <summary>In the same file, encrypted.</summary>
    /// <param name="Credential">The systemd credential that contains the passphrase.</param>
    public sealed record InEncryptedFile(string Credential) : KeyCustody
    {
        public override string ToString() => $"credential {Credential}";
    }

    /// <summary>In a program that speaks the ssh-agent protocol.</summary>
    /// <param name="Socket">The socket of the agent.</param>
    /// <param name="Fingerprint">The only key that is used, as <c>ssh-keygen -l</c> shows it.</param>
    public sealed record InAgent(string Socket, string Fingerprint) : KeyCustody
    {
        public override string ToString() => $"agent {Socket}, {Fingerprint}";
    }

    /// <summary>The default.</summary>
    public static readonly KeyCustody Default = new InFile();

    /// <summary>Reads the setting of one CA key.</summary>
    /// <param name="root">The whole configuration.</param>
    /// <param name="field">The name of the setting: <c>user_ca</c>.</param>
    /// <param name="account">The uid that the daemon runs as; null for the uid of this process.</param>
    public static KeyCustody Read(FieldReader root, string field, uint? account)
    {
        var map = root.Map(field);
        var (agent, fingerprint, credential) = (map.Text("agent"), map.Text("fingerprint"), map.Text("credential"));
        map.Done();
        if (credential is not null && (agent ?? fingerprint) is not null)
            map.Fault("credential", $"{field} takes either credential, or agent and fingerprint");
        else if (agent is null != fingerprint is null)
            map.Fault(agent is null ? "fingerprint" : "agent", $"{field} takes agent and fingerprint together: the key that it may use must be named");
        else if (agent is not null && AgentFault(agent, account) is { } fault)
            map.Fault("agent", $"{field}.agent: {fault}");
        else if (fingerprint is not null && !FingerprintForm().IsMatch(fingerprint))
            map.Fault("fingerprint", $"{field}.fingerprint takes a fingerprint as ssh-keygen -l shows it: SHA256:…");
        else if (credential is not null && !CredentialForm().IsMatch(credential))
            map.Fault("credential", $"{field}.credential takes the name of a systemd credential, such as {field}-passphrase");
        return (agent, credential) switch
        {
            ({ } socket, _) => new InAgent(socket, fingerprint ?? ""),
            (_, { } name) => new InEncryptedFile(name),
            _ => Default,
        };
    }

    // Anyone who can connect to the agent can have anything signed.
    private static string? AgentFault(string agent, uint? account) =>
        !Path.IsPathFullyQualified(agent) ? "takes the absolute path of a socket"
        : ServerAddress.Unix.PathFault(agent) ?? TrustedPath.Fault(agent, account);

    [GeneratedRegex("^SHA256:[A-Za-z0-9+/]{43}$")]
    private static partial Regex FingerprintForm();

    [GeneratedRegex("^[A-Za-z0-9_][A-Za-z0-9._-]{0,62}$")]
    private static partial Regex CredentialForm();
}
