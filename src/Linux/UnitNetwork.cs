namespace CertAuthority.Linux;

/// <summary>The network of the package's systemd unit, which is off until an administrator turns it on.</summary>
public static class UnitNetwork
{
    // The errors that ssh and .NET reported in the unit without a network. The last is .NET's error for a name that it could not ask any
    // server about.
    private static readonly string[] Signs = ["Address family not supported", "Network is unreachable",
        "Temporary failure in name resolution", "Resource temporarily unavailable"];

    /// <summary>Text to append to a network error: the command that turns the network on, if its absence can be the cause.</summary>
    /// <param name="error">What the program or library said.</param>
    public static string Remedy(string error) => Signs.Any(sign => error.Contains(sign, StringComparison.Ordinal))
        ? " (the unit of the package has no network until: certauthority-network on)"
        : "";
}
