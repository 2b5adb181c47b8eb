using System.Text;
using CertAuthority.Linux;
using CertAuthority.OpenSsh;
using CertAuthority.Terminal;

namespace CertAuthority.Tctl;

/// <summary>Checks the signature of a checkpoint with ssh-keygen, which knows nothing of this authority.</summary>
internal static class CheckpointSignature
{
    private const string Purpose = "certauthority-audit-checkpoint";

    /// <summary>Returns what is wrong with the signature; null if the key made it.</summary>
    /// <param name="signed">The checkpoint.</param>
    /// <param name="key">The key, as a line.</param>
    /// <param name="cancellation">Ends ssh-keygen.</param>
    /// <exception cref="FailureException">ssh-keygen is not installed, or the line is not a key.</exception>
    public static async Task<string?> Fault(AuditLog.SignedNote signed, string key, CancellationToken cancellation)
    {
        var folder = Directory.CreateTempSubdirectory("tctl-audit-");
        try
        {
            var (signers, signature) = (Path.Combine(folder.FullName, "signers"), Path.Combine(folder.FullName, AuditLog.SignatureFile));
            await File.WriteAllTextAsync(signers, $"audit namespaces=\"{Purpose}\" {Parse(key).ToLine("audit key")}\n", cancellation);
            await File.WriteAllTextAsync(signature, signed.Signature, cancellation);
            var keygen = new ChildProcess("ssh-keygen", ["-Y", "verify", "-f", signers, "-I", "audit", "-n", Purpose, "-s", signature])
            {
                Input = Encoding.UTF8.GetBytes(signed.Note),
            };
            var (exitCode, output, error) = await keygen.Run(cancellation);
            return exitCode == 0
                ? null
                : $"the checkpoint was not signed by the key: {(error.Length > 0 ? error : output).Split('\n')[0].Trim()}";
        }
        catch (IOException)
        {
            throw new FailureException("ssh-keygen cannot be started", "install the OpenSSH client");
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    /// <summary>Reads a key in a file.</summary>
    /// <exception cref="FailureException">It is not one.</exception>
    public static PublicKey Parse(string line)
    {
        try
        {
            return PublicKey.ParseLine(line.TrimEnd('\n'));
        }
        catch (SshFormatException malformed)
        {
            throw new FailureException($"the audit key cannot be read: {malformed.Message}");
        }
    }
}
