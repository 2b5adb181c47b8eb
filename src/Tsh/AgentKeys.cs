using System.Globalization;
using System.Text;
using CertAuthority.Linux;
using CertAuthority.OpenSsh;

namespace CertAuthority.Tsh;

/// <summary>A key that tsh has put into an ssh-agent.</summary>
/// <param name="Key">The plain key; the agent may hold it with a certificate, without one, or both.</param>
/// <param name="Socket">The agent: its value of SSH_AUTH_SOCK.</param>
/// <param name="Until">When the agent drops the key by itself.</param>
internal sealed record AgentKey(PublicKey Key, string Socket, DateTimeOffset Until);

/// <summary>
/// The keys that tsh has added to agents and not removed yet, in the file <c>agent_keys</c> of its home, one in each line. The key of the
/// home is not enough: it is replaced while the agent still holds the previous one.
/// </summary>
/// <param name="path">The file.</param>
internal sealed class AgentKeys(string path)
{
    /// <summary>Reads the keys. A line that cannot be parsed is ignored.</summary>
    public IReadOnlyList<AgentKey> Read() =>
        AtomicFile.Read(path) is { } text ? [.. text.Split('\n').Select(Parse).OfType<AgentKey>()] : [];

    /// <summary>Adds a key. Call this before the agent gets the key, so that an interrupted login leaves no unknown key behind.</summary>
    public void Add(AgentKey key) => Write([.. Read().Where(known => (known.Key, known.Socket) != (key.Key, key.Socket)), key]);

    /// <summary>Keeps only these keys.</summary>
    public void Write(IReadOnlyCollection<AgentKey> keys)
    {
        if (keys.Count == 0 && File.Exists(path))
            File.Delete(path);
        else if (keys.Count > 0)
            AtomicFile.Replace(
                path,
                Encoding.UTF8.GetBytes(string.Concat(keys.Select(key => $"{key.Until.ToUnixTimeSeconds()} {key.Key} {key.Socket}\n"))),
                UnixFileMode.UserRead | UnixFileMode.UserWrite);
    }

    // UNIX-TIME TYPE BASE64 SOCKET; the socket is last, because a path can contain blanks.
    private static AgentKey? Parse(string line)
    {
        if (line.Split(' ', 4) is not [var until, var type, var blob, var socket]
            || !long.TryParse(until, NumberStyles.None, CultureInfo.InvariantCulture, out var seconds))
            return null;
        try
        {
            return new AgentKey(PublicKey.ParseLine($"{type} {blob}"), socket, DateTimeOffset.FromUnixTimeSeconds(seconds));
        }
        catch (Exception malformed) when (malformed is SshFormatException or ArgumentOutOfRangeException)
        {
            return null;
        }
    }
}
