using System.Buffers;
using System.Globalization;
using System.Net;
using CertAuthority.Protocol;
using CertAuthority.Terminal;

namespace CertAuthority.Tsh;

/// <summary>
/// What ssh is told. Names and addresses come from elsewhere and are checked again here: in the wrong place a leading dash is an
/// option, and ssh expands and splits the values of its own options.
/// </summary>
internal static class SshArguments
{
    private static readonly SearchValues<char> AddressStart = SearchValues.Create(
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_[");
    private static readonly SearchValues<char> AddressRest = SearchValues.Create(
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.:[]-");

    /// <summary>Everything after the word ssh.</summary>
    /// <param name="home">Has the key.</param>
    /// <param name="node">Where.</param>
    /// <param name="login">As whom.</param>
    /// <param name="command">What to run there; none for a shell.</param>
    /// <param name="certificate">Its file.</param>
    /// <param name="given">
    /// Options of ssh that the user gave. ssh takes the first value of each setting, so they come before ours; of keys it takes all, in
    /// order.
    /// </param>
    public static string[] For(
        Home home, ReachableNode node, string login, string[] command, string certificate, IReadOnlyList<string>? given = null)
    {
        PlainNames.CheckNode(node.Name);
        PlainNames.CheckLogin(login);
        var (host, port) = Endpoint(node.Address);
        return
        [
            // Not -i, which looks for the file before it undoes the escapes.
            .. Identity(home, certificate).SelectMany(option => (string[])["-o", $"{option.Name}={option.Value}"]),
            .. given ?? [],
            "-o", "IdentitiesOnly=yes",
            // Nobody is asked for a password. keyboard-interactive is the second factor of hosts that want one after the certificate.
            "-o", "PreferredAuthentications=publickey,keyboard-interactive",
            "-o", $"UserKnownHostsFile={KnownHosts(home)}",
            "-o", $"HostKeyAlias={node.Name}",
            .. port is null ? Array.Empty<string>() : ["-p", port],
            "-l", login,
            "--", host, .. command,
        ];
    }

    /// <summary>Takes <c>host</c>, <c>host:port</c>, <c>[v6]</c>, <c>[v6]:port</c> apart.</summary>
    /// <exception cref="FailureException">It is something else.</exception>
    public static (string Host, string? Port) Endpoint(string address) =>
        TryEndpoint(address)
            ?? throw new FailureException(
                $"'{address}' is not the address of a node", IsPlain(address) ? "an administrator corrects it: tctl edit node/NAME" : null);

    /// <summary>The same; null for something else.</summary>
    public static (string Host, string? Port)? TryEndpoint(string address)
    {
        var hostEnd = address.LastIndexOf(']') is var bracket and > 0 ? bracket + 1
            : address.IndexOf(':') is var colon and > 0 ? colon
            : address.Length;
        var v6 = address[..hostEnd] is ['[', .. var inside, ']'] ? inside : null;
        var host = v6 ?? address[..hostEnd];
        var rest = address[hostEnd..];
        // As the daemon judges them when a node is created: brackets stand around an IPv6 address and nothing else.
        if (!IsPlain(address) || host is "" or ['-', ..] || host.AsSpan().ContainsAny('[', ']')
            || (v6 is not null && !(v6.Contains(':') && IPAddress.TryParse(v6, out _)))
            || (rest is not ""
                && !(rest is [':', .. var digits] && ushort.TryParse(digits, NumberStyles.None, CultureInfo.InvariantCulture, out var port)
                    && port > 0)))
            return null;
        return (host, rest is "" ? null : rest[1..]);
    }

    /// <summary>Whether a text has only characters of addresses, so that it is at worst a wrong one.</summary>
    public static bool IsPlain(string address) => PlainNames.Fits(address, AddressStart, AddressRest, 300);

    /// <summary>How ssh is told of a key and its certificate, as options of its own.</summary>
    /// <param name="home">Has the key.</param>
    /// <param name="certificate">The certificate's file.</param>
    public static (string Name, string Value)[] Identity(Home home, string certificate) =>
        home.KeyIsInAgentOnly && !home.IsForOneNode(certificate)
            // ssh pairs a CertificateFile with a plain key. Where only the agent has the key, and has it as this certificate, the
            // certificate is the identity.
            ? [("IdentityFile", Path(certificate))]
            : [("IdentityFile", Path(home.Key)), ("CertificateFile", Path(certificate))];

    /// <summary>The files that say which host keys are known, in the form of a value of ssh's; ssh adds to the first.</summary>
    public static string KnownHosts(Home home) =>
        File.Exists(home.KnownCas) ? $"{Path(home.KnownHosts)} {Path(home.KnownCas)}" : Path(home.KnownHosts);

    /// <summary>A path in the form of a value of ssh's, which splits values at blanks, and expands %h and ${HOME} in paths.</summary>
    public static string Path(string path) =>
        path.AsSpan().ContainsAny("\"\\$\r\n")
            ? throw new FailureException($"ssh cannot use {path}", "set TSH_HOME to a path without quotes, backslashes and dollar signs")
            : $"\"{path.Replace("%", "%%")}\"";
}
