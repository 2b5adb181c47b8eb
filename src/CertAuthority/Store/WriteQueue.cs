namespace CertAuthority.Store;

/// <summary>
/// Lets one thread write at a time. The writer thread takes the changes of all callers who wait, and makes them together. A lone caller
/// makes its change itself, so that it waits for the disk only, and for no other thread.
/// </summary>
internal sealed class WriteQueue
{
    // A batch of more changes gains nothing and makes the first of them wait.
    private const int LargestBatch = 128;

    private readonly Action<List<Change>> write;
    private readonly Queue<Change> waiting = [];
    private readonly Thread thread;
    private bool isWriting;
    private bool wasAlone = true;
    private bool isClosed;

    /// <param name="write">Makes the changes of a batch, and answers the caller of each. It throws nothing.</param>
    public WriteQueue(Action<List<Change>> write)
    {
        this.write = write;
        thread = new Thread(Run) { Name = "writer", IsBackground = true };
        thread.Start();
    }

    /// <summary>Makes the change now, or after the changes that are ahead of it; returns false if the queue takes none any more.</summary>
    public bool TryAdd(Change change)
    {
        lock (waiting)
        {
            if (isClosed)
                return false;
            // When many call, their threads have other calls to work on while the writer waits for the disk.
            if (isWriting || waiting.Count > 0 || !wasAlone)
            {
                waiting.Enqueue(change);
                if (!isWriting)
                    Monitor.Pulse(waiting);
                return true;
            }
            isWriting = true;
        }
        Write([change]);
        return true;
    }

    /// <summary>Takes no more changes from now on.</summary>
    public void Close()
    {
        lock (waiting)
        {
            isClosed = true;
            Monitor.Pulse(waiting);
        }
    }

    /// <summary>Returns when the changes that a closed queue has are made.</summary>
    public void Finish() => thread.Join();

    private void Run()
    {
        var batch = new List<Change>();
        while (Take(batch))
            Write(batch);
    }

    private void Write(List<Change> batch)
    {
        write(batch);
        lock (waiting)
        {
            (isWriting, wasAlone) = (false, batch.Count == 1);
            if (waiting.Count > 0 || isClosed)
                Monitor.Pulse(waiting);
        }
    }

    /// <summary>Waits for changes and takes them; returns false when there will be none any more.</summary>
    private bool Take(List<Change> batch)
    {
        batch.Clear();
        lock (waiting)
        {
            while (isWriting || waiting.Count == 0)
            {
                if (isClosed && !isWriting)
                    return false;
                Monitor.Wait(waiting);
            }
            isWriting = true;
            while (batch.Count < LargestBatch && waiting.TryDequeue(out var change))
                batch.Add(change);
            return true;
        }
    }
}
