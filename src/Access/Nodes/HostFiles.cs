using System.Collections.Immutable;
using System.Text;

namespace CertAuthority.Access;

/// <summary>A file of a host: root's, readable by all.</summary>
/// <param name="Path">Absolute.</param>
/// <param name="Content">All of it.</param>
public sealed record HostFile(string Path, ReadOnlyMemory<byte> Content);

/// <summary>What lies on a host that is under this authority, and nothing else does: docs/hosts.md says why each line is there.</summary>
public static class HostFiles
{
    /// <summary>Where they lie. Only root may write it: whoever can is root there.</summary>
    public const string Directory = "/etc/ssh/certauthority";

    /// <summary>What sshd reads first of all drop-ins, so that it wins.</summary>
    public const string DropIn = "/etc/ssh/sshd_config.d/00-certauthority.conf";

    /// <summary>The files, in the order in which they are to be put in place: what the drop-in names is there before it.</summary>
    /// <param name="node">The host.</param>
    /// <param name="userCa">The public half of the user CA, a line.</param>
    /// <param name="krl">The revocation list.</param>
    /// <param name="certificate">The host's own certificate, a line; null for none.</param>
    public static ImmutableArray<HostFile> Of(Node node, string userCa, ReadOnlyMemory<byte> krl, string? certificate)
    {
        var files = ImmutableArray.CreateBuilder<HostFile>();
        files.Add(new HostFile($"{Directory}/user_ca.pub", Line(userCa)));
        files.Add(new HostFile($"{Directory}/revoked.krl", krl));
        if (certificate is not null)
            files.Add(new HostFile($"{Directory}/host-cert.pub", Line(certificate)));
        files.Add(new HostFile(DropIn, Encoding.UTF8.GetBytes(Configuration(node, certificate is not null))));
        return files.ToImmutable();
    }

    // The node's name is of [a-z0-9.-], so nothing of it means something to sshd, printf or find.
    private static string Configuration(Node node, bool isCertified)
    {
        var principals = node.KrlMaxAge is { } age
            // Says nothing, so that nobody enters, where the list is older, or shorter than a list can be.
            ? $@"/usr/bin/find {Directory}/revoked.krl -size +43c -mmin -{(int)age.TotalMinutes} -printf %u\n%u@{node.Name}\n"
            : $@"/usr/bin/printf %%s\n%%s@{node.Name}\n %u %u";
        return $"""
            # Lets holders of certificates enter {node.Name}. Written by certauthority; what is changed here is lost.
            TrustedUserCAKeys {Directory}/user_ca.pub
            RevokedKeys {Directory}/revoked.krl
            AuthorizedKeysFile none
            AuthorizedPrincipalsCommand {principals}
            AuthorizedPrincipalsCommandUser nobody
            {(isCertified ? $"HostCertificate {Directory}/host-cert.pub\n" : "")}
            """;
    }

    private static byte[] Line(string text) => Encoding.UTF8.GetBytes(text + "\n");
}
