using CertAuthority.Store;

namespace CertAuthority.Flow;

/// <summary>
/// A place to which the daemon sends the audit, in order and at least once. Each failure is an exception; what was begun is then abandoned,
/// and <see cref="Begin"/> goes on as after a start.
/// </summary>
/// <param name="name">The unique name: <c>file</c>, <c>journal</c>, or <c>webhook/</c> and a name.</param>
internal abstract class AuditSink(string name)
{
    /// <summary>The unique name.</summary>
    public string Name => name;

    /// <summary>The largest number of entries that are sent at once.</summary>
    public virtual int Most => 500;

    /// <summary>The longest pause after failures.</summary>
    public virtual TimeSpan LongestPause => TimeSpan.FromSeconds(10);

    /// <summary>Makes the sink ready for the next entries.</summary>
    /// <param name="mark">How far the sink is, as far as the daemon knows.</param>
    /// <returns>How far it really is. If the file is another one, this must be recorded before it gets entries.</returns>
    /// <exception cref="IOException">It cannot take entries now.</exception>
    public virtual SinkMark Begin(SinkMark mark) => mark;

    /// <summary>Sends entries.</summary>
    /// <returns>How many of them the sink has now; at least one.</returns>
    /// <exception cref="IOException">It took none of them.</exception>
    public abstract Task<int> Send(IReadOnlyList<StoredEntry> entries, CancellationToken stopping);

    /// <summary>Makes durable what was sent, before the position is recorded.</summary>
    /// <exception cref="IOException">The disk failed.</exception>
    public virtual void Flush()
    {
    }

    /// <summary>Lets go of what is open, after a failure and at the end.</summary>
    public virtual void Abandon()
    {
    }
}
