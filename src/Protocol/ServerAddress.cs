using System.Buffers;
using System.Net;

namespace CertAuthority.Protocol;

/// <summary>The address of the daemon.</summary>
public abstract record ServerAddress
{
    /// <summary>The forms that <see cref="TryParse"/> reads, for prompts and messages.</summary>
    public const string Forms = "unix:/absolute/path or ssh://[USER@]HOST[:PORT]";

    private const string UnixScheme = "unix:";

    private ServerAddress()
    {
    }

    /// <summary><c>unix:PATH</c>: a daemon on this machine.</summary>
    /// <param name="SocketPath">The path of the socket.</param>
    public sealed record Unix(string SocketPath) : ServerAddress
    {
        /// <summary>The longest path of a socket in bytes that the kernel accepts (<c>sun_path</c>, which ends with a NUL).</summary>
        public const int LongestPath = 107;

        /// <summary>The suffix of the administrators' socket, compared with the path of the public one.</summary>
        public const string AdministratorsSuffix = ".admin";

        /// <summary>
        /// The socket that only administrators can connect to, so that nobody else can block it; null if its path would be too long.
        /// </summary>
        public string? AdministratorsPath =>
            PathFault(SocketPath + AdministratorsSuffix) is null ? SocketPath + AdministratorsSuffix : null;

        /// <summary>Returns why a path cannot be that of a socket; null if it can.</summary>
        public static string? PathFault(string path) =>
            System.Text.Encoding.UTF8.GetByteCount(path) is > LongestPath and var bytes
                ? $"the path of a socket has at most {LongestPath} bytes; this one has {bytes}: {path}"
                : null;

        /// <inheritdoc/>
        public override string ToString() => $"unix:{SocketPath}";
    }

    /// <summary><c>ssh://[user@]host[:port]</c>: a daemon on a host that the system's ssh reaches, through the relay there.</summary>
    /// <param name="User">The account there; null to leave it to ssh.</param>
    /// <param name="Host">
    /// A name, an address, or an alias from ssh's configuration. It cannot be mistaken for an option, and contains nothing that a shell
    /// would expand.
    /// </param>
    /// <param name="Port">1 to 65535; null to leave it to ssh.</param>
    public sealed record Ssh(string? User, string Host, ushort? Port) : ServerAddress
    {
        private const string AlphaNumeric = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
        private static readonly SearchValues<char> NameCharacters = SearchValues.Create(AlphaNumeric + "._-");
        // Accounts in directories can have names such as alice@example.com.
        private static readonly SearchValues<char> UserCharacters = SearchValues.Create(AlphaNumeric + "._@+-");
        private static readonly SearchValues<char> V6Characters = SearchValues.Create("0123456789abcdefABCDEF:.");

        /// <inheritdoc/>
        public override string ToString() =>
            $"ssh://{(User is null ? "" : $"{User}@")}{(Host.Contains(':') ? $"[{Host}]" : Host)}{(Port is null ? "" : $":{Port}")}";

        internal static Ssh? TryParse(ReadOnlySpan<char> text)
        {
            string? user = null;
            if (text.LastIndexOf('@') is var at and >= 0)
            {
                user = text[..at].ToString();
                text = text[(at + 1)..];
                if (!Fits(user, UserCharacters))
                    return null;
            }
            var isV6 = text.StartsWith('[');
            var end = isV6 ? text.IndexOf(']') + 1 : text.IndexOf(':') is var colon and >= 0 ? colon : text.Length;
            if (isV6 && end == 0)
                return null;
            var host = isV6 ? text[1..(end - 1)] : text[..end];
            if (isV6
                ? host.ContainsAnyExcept(V6Characters) || !host.Contains(':') || !IPAddress.TryParse(host, out _)
                : !Fits(host, NameCharacters))
                return null;
            if (end == text.Length)
                return new Ssh(user, host.ToString(), null);
            return text[end] == ':' && ushort.TryParse(text[(end + 1)..], System.Globalization.NumberStyles.None, null, out var port)
                && port > 0
                ? new Ssh(user, host.ToString(), port)
                : null;
        }

        private static bool Fits(ReadOnlySpan<char> text, SearchValues<char> characters) =>
            text.Length is > 0 and <= 255 && (char.IsAsciiLetterOrDigit(text[0]) || text[0] == '_') && !text.ContainsAnyExcept(characters);
    }

    /// <summary>The path of the machine-wide daemon's socket.</summary>
    public const string MachineSocket = "/run/certauthority/ca.sock";

    /// <summary>
    /// Returns the socket where a daemon of this account listens by default; null for an account without a folder of its own.
    /// </summary>
    /// <param name="isRoot">Whether the account is root, whose daemon is machine-wide.</param>
    public static string? DefaultSocket(bool isRoot) =>
        isRoot ? MachineSocket
        : UserFolders.Xdg("XDG_RUNTIME_DIR", ".local/state/certauthority/run") is { } runtime
            ? Path.Combine(runtime, "certauthority", "ca.sock")
        : null;

    /// <summary>Returns why the path in a text cannot be that of a socket; null if it can, or if the text contains no path.</summary>
    public static string? PathFaultIn(string text) =>
        text.StartsWith(UnixScheme, StringComparison.Ordinal) && Path.IsPathFullyQualified(text[UnixScheme.Length..])
            ? Unix.PathFault(text[UnixScheme.Length..])
            : null;

    /// <summary>Reads <c>unix:/absolute/path</c> or <c>ssh://[user@]host[:port]</c>; null for anything else.</summary>
    public static ServerAddress? TryParse(string text)
    {
        const string ssh = "ssh://";
        return text.StartsWith(UnixScheme, StringComparison.Ordinal) && Path.IsPathFullyQualified(text[UnixScheme.Length..])
            ? Unix.PathFault(text[UnixScheme.Length..]) is null ? new Unix(text[UnixScheme.Length..]) : null
            : text.StartsWith(ssh, StringComparison.Ordinal) ? Ssh.TryParse(text.AsSpan(ssh.Length))
            : null;
    }
}
