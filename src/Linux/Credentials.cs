namespace CertAuthority.Linux;

/// <summary>The credentials that systemd passes to a unit (systemd.exec(5), LoadCredential= and LoadCredentialEncrypted=).</summary>
public static class Credentials
{
    private const int Longest = 4096;

    // Below this folder, systemd leaves files to root and gives the unit's account access by an access list. The mode then shows the mask
    // of the list where the permissions of the group would be.
    private const ushort Others = 0x7; // S_IRWXO
    private const ushort GroupOrOthers = 0x3F;

    /// <summary>Reads a credential, without the line endings after it. The caller wipes it.</summary>
    /// <exception cref="IOException">There is none of this name.</exception>
    /// <exception cref="ExposedException">Others can read it, or could have changed it.</exception>
    public static byte[] Read(string name)
    {
        if (Environment.GetEnvironmentVariable("CREDENTIALS_DIRECTORY") is not { Length: > 0 } folder)
            throw new IOException(
                $"there is no credential {name}, because systemd passes none; name it in the unit: LoadCredentialEncrypted={name}:FILE");
        var path = Path.Combine(folder, name);
        if (FileStatus.Read(path) is not { } status)
            throw new IOException($"there is no credential {name} in {folder}; name it in the unit: LoadCredentialEncrypted={name}:FILE");
        if (TrustedPath.Fault(path) is { } fault)
            throw new ExposedException(fault);
        if (!status.IsRegular)
            throw new ExposedException($"{path} is not a regular file");
        if ((status.Mode & (status.Owner == 0 && Accounts.OwnUid != 0 ? Others : GroupOrOthers)) != 0)
            throw new ExposedException($"{path} has mode {status.Permissions}, so that others can read it");
        var whole = File.ReadAllBytes(path);
        try
        {
            return whole.Length <= Longest
                ? whole.AsSpan().TrimEnd("\r\n"u8).ToArray()
                : throw new IOException($"the credential {name} has more than {Longest} bytes");
        }
        finally
        {
            Array.Clear(whole);
        }
    }
}
