using CertAuthority.Terminal;

namespace CertAuthority.Tsh;

/// <summary>Runs ssh-keygen, which creates and reads private keys so that tsh need not.</summary>
internal static class Keygen
{
    /// <summary>Creates an Ed25519 key pair without a passphrase; mode 0600.</summary>
    public static Task Make(string path, string comment, CancellationToken cancellation) =>
        Run(["-q", "-t", "ed25519", "-N", "", "-C", comment, "-f", path], cancellation);

    /// <summary>Returns the line of the public key of a private key.</summary>
    public static Task<string> PublicKeyOf(string path, CancellationToken cancellation) => Run(["-y", "-f", path], cancellation);

    /// <summary>
    /// Returns whether a file contains a key or certificate that ssh would use; the signature of a certificate is verified too.
    /// </summary>
    public static async Task<bool> Reads(string path, CancellationToken cancellation) =>
        (await InstalledProgram.Run("ssh-keygen", ["-l", "-f", path], cancellation)).ExitCode == 0;

    private static async Task<string> Run(string[] args, CancellationToken cancellation)
    {
        var keygen = await InstalledProgram.Run("ssh-keygen", args, cancellation);
        return keygen.ExitCode == 0 ? keygen.Output : throw new FailureException($"ssh-keygen failed: {keygen.Error}");
    }
}
